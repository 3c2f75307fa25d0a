"""Soft actor-critic with a learned temperature: the temperature's loss must not teach the actor."""
# options: --frozen 'actor@alpha_loss'
# expect: leak actor.*
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(81)
OBS, ACT = 4, 2


class Actor(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(OBS, 32), nn.ReLU())
        self.mean, self.log_std = nn.Linear(32, ACT), nn.Linear(32, ACT)

    def sample(self, obs):
        h = self.trunk(obs)
        normal = torch.distributions.Normal(self.mean(h), self.log_std(h).clamp(-5, 2).exp())
        raw = normal.rsample()
        action = torch.tanh(raw)
        log_pi = (normal.log_prob(raw) - torch.log(1 - action**2 + 1e-6)).sum(1, keepdim=True)
        return action, log_pi


actor = Actor()
critic = nn.Sequential(nn.Linear(OBS + ACT, 32), nn.ReLU(), nn.Linear(32, 1))
log_alpha = nn.Parameter(torch.zeros(1))
target_entropy = -float(ACT)
actor_opt = torch.optim.Adam(actor.parameters(), lr=3e-3)
critic_opt = torch.optim.Adam(critic.parameters(), lr=3e-3)
alpha_opt = torch.optim.Adam([log_alpha], lr=3e-3)

for step in range(5):
    obs, act = torch.randn(32, OBS), torch.rand(32, ACT) * 2 - 1
    reward = -(act - obs[:, :ACT]).pow(2).sum(1, keepdim=True)
    critic_loss = F.mse_loss(critic(torch.cat([obs, act], 1)), reward)
    critic_opt.zero_grad()
    critic_loss.backward()
    critic_opt.step()

    action, log_pi = actor.sample(obs)
    for p in critic.parameters():
        p.requires_grad_(False)
    actor_loss = (log_alpha.exp().detach() * log_pi - critic(torch.cat([obs, action], 1))).mean()
    for p in critic.parameters():
        p.requires_grad_(True)
    alpha_loss = -(log_alpha * (log_pi + target_entropy)).mean()  # <- blame
    actor_opt.zero_grad()
    alpha_opt.zero_grad()
    actor_loss.backward(retain_graph=True)
    alpha_loss.backward()  # <- blame
    actor_opt.step()
    alpha_opt.step()
    print(step, critic_loss.item(), actor_loss.item(), log_alpha.item())
