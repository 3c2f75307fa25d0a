# expect: blockage *mu.*
import torch
from torch import nn
from torch.distributions import Normal

torch.manual_seed(13)


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(4, 24), nn.Tanh())
        self.mu = nn.Linear(24, 2)
        self.log_std = nn.Linear(24, 2)

    def forward(self, s):
        h = self.trunk(s)
        return Normal(self.mu(h), self.log_std(h).clamp(-4, 1).exp())


policy = Policy()
opt = torch.optim.Adam(policy.parameters(), lr=3e-3)
W = torch.randn(4, 2)


def reward(s, a):
    return -(a - s @ W).pow(2).sum(-1)


for step in range(12):
    s = torch.randn(64, 4)
    dist = policy(s)
    a = dist.sample()  # <- blame
    loss = -(reward(s, a).mean() + 0.05 * dist.entropy().sum(-1).mean())
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(step, loss.item())
