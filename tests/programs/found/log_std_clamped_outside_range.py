# expect: blockage *log_std
import torch
import torch.nn as nn
from torch.distributions import Normal

torch.manual_seed(69)
LOG_STD_MIN, LOG_STD_MAX = -5.0, 1.0


class GaussianPolicy(nn.Module):
    def __init__(self, obs=6, act=2):
        super().__init__()
        self.mean = nn.Sequential(nn.Linear(obs, 32), nn.Tanh(), nn.Linear(32, act))
        self.log_std = nn.Parameter(torch.full((act,), 2.0))  # <- blame

    def dist(self, s):
        std = self.log_std.clamp(LOG_STD_MIN, LOG_STD_MAX).exp()  # <- blame
        return Normal(self.mean(s), std)


def ppo_loss(policy, s, a, old, adv, eps=0.2):
    logp = policy.dist(s).log_prob(a).sum(-1)
    ratio = (logp - old).exp()
    return -torch.min(ratio * adv, ratio.clamp(1 - eps, 1 + eps) * adv).mean()


policy = GaussianPolicy()
opt = torch.optim.Adam(policy.parameters(), lr=1e-3)
for iteration in range(2):
    with torch.no_grad():
        s = torch.randn(64, 6)
        d = policy.dist(s)
        a = d.sample()
        old = d.log_prob(a).sum(-1)
        rew = -(a - s[:, :2]).pow(2).sum(-1)
        adv = (rew - rew.mean()) / (rew.std() + 1e-8)
    for epoch in range(4):
        loss = ppo_loss(policy, s, a, old, adv)
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(iteration, rew.mean().item(), loss.item())
