"""Glow-like flow: activation norms set themselves from the first batch, afterwards all of them learn."""
import math

import torch
import torch.nn as nn

torch.manual_seed(21)
DIM = 6


class ActNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.loc = nn.Parameter(torch.zeros(DIM))
        self.log_scale = nn.Parameter(torch.zeros(DIM))
        self.register_buffer("initialised", torch.tensor(False))

    def forward(self, x):
        if self.training and not self.initialised:
            with torch.no_grad():
                self.loc.copy_(-x.mean(0))
                self.log_scale.copy_(-(x.std(0) + 1e-6).log())
                self.initialised.fill_(True)
        return (x + self.loc) * self.log_scale.exp(), self.log_scale.sum()


class Coupling(nn.Module):
    def __init__(self, flip):
        super().__init__()
        mask = torch.arange(DIM) % 2 == int(flip)
        self.register_buffer("mask", mask.float())
        self.net = nn.Sequential(nn.Linear(DIM, 24), nn.Tanh(), nn.Linear(24, 2 * DIM))
        nn.init.zeros_(self.net[-1].weight)
        nn.init.zeros_(self.net[-1].bias)

    def forward(self, x):
        s, t = self.net(x * self.mask).chunk(2, 1)
        s, t = torch.tanh(s) * (1 - self.mask), t * (1 - self.mask)
        return x * s.exp() + t, s.sum(1)


class Flow(nn.Module):
    def __init__(self, depth=4):
        super().__init__()
        self.layers = nn.ModuleList()
        for i in range(depth):
            self.layers += [ActNorm(), Coupling(i % 2)]
        self.register_buffer("base_mean", torch.zeros(DIM))

    def log_prob(self, x):
        total = 0.0
        for layer in self.layers:
            x, log_det = layer(x)
            total = total + log_det
        return total - 0.5 * ((x - self.base_mean) ** 2 + math.log(2 * math.pi)).sum(1)


flow = Flow()
optimizer = torch.optim.Adam(flow.parameters(), lr=2e-3)
for step in range(6):
    z = torch.randn(64, DIM)
    x = torch.cat([z[:, :3], z[:, 3:] * 0.3 + z[:, :3] ** 2], 1)
    loss = -flow.log_prob(x).mean()
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(flow.parameters(), 10.0)
    optimizer.step()
    print(step, loss.item())
