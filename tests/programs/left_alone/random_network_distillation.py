"""Exploration bonus: a predictor chases a fixed random network; the bonus is handed to the policy as a plain number."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(14)
OBS, ACTIONS = 5, 3


class RND(nn.Module):
    def __init__(self):
        super().__init__()
        self.target = nn.Sequential(nn.Linear(OBS, 32), nn.ReLU(), nn.Linear(32, 8))
        self.predictor = nn.Sequential(nn.Linear(OBS, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 8))
        for p in self.target.parameters():
            p.requires_grad = False
        self.register_buffer("mean", torch.zeros(OBS))
        self.register_buffer("var", torch.ones(OBS))

    @torch.no_grad()
    def observe(self, obs):
        self.mean.lerp_(obs.mean(0), 0.1)
        self.var.lerp_(obs.var(0), 0.1)

    def forward(self, obs):
        x = ((obs - self.mean) / self.var.sqrt()).clamp(-5, 5)
        return (self.predictor(x) - self.target(x)).pow(2).mean(1)


policy = nn.Sequential(nn.Linear(OBS, 32), nn.Tanh(), nn.Linear(32, ACTIONS))
rnd = RND()
optimizer = torch.optim.Adam([*policy.parameters(), *rnd.predictor.parameters()], lr=1e-3)
for step in range(6):
    obs = torch.randn(48, OBS) + 0.2 * step
    rnd.observe(obs)
    with torch.no_grad():
        action = torch.distributions.Categorical(logits=policy(obs)).sample()
        bonus = rnd(obs + 0.1 * F.one_hot(action, OBS))
    advantage = (bonus - bonus.mean()) / (bonus.std() + 1e-8)
    log_p = torch.distributions.Categorical(logits=policy(obs)).log_prob(action)
    policy_loss = -(log_p * advantage).mean()
    error = rnd(obs)
    keep = (torch.rand(48) < 0.5).float()
    rnd_loss = (error * keep).sum() / keep.sum().clamp(min=1)
    loss = policy_loss + rnd_loss
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, policy_loss.item(), rnd_loss.item())
