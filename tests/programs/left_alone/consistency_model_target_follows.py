"""Consistency training: the target is an averaged copy, its output at the lower noise level carries no gradient."""
import copy

import torch
import torch.nn as nn

torch.manual_seed(18)
SIGMA_MIN, SIGMA_DATA = 0.02, 0.5


class Consistency(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(3, 48), nn.SiLU(), nn.Linear(48, 48), nn.SiLU(), nn.Linear(48, 2))

    def forward(self, x, sigma):
        skip = SIGMA_DATA**2 / ((sigma - SIGMA_MIN) ** 2 + SIGMA_DATA**2)
        out = SIGMA_DATA * (sigma - SIGMA_MIN) / (sigma**2 + SIGMA_DATA**2).sqrt()
        scaled = x / (sigma**2 + SIGMA_DATA**2).sqrt()
        return skip * x + out * self.net(torch.cat([scaled, sigma.log() / 4], 1))


model = Consistency()
target = copy.deepcopy(model)
target.requires_grad_(False)
optimizer = torch.optim.RAdam(model.parameters(), lr=1e-3)
levels = torch.linspace(SIGMA_MIN, 2.0, 11)


@torch.no_grad()
def follow(rate):
    for t, s in zip(target.parameters(), model.parameters()):
        t.mul_(rate).add_(s, alpha=1 - rate)


for step in range(6):
    angle = torch.rand(64, 1) * 6.2832
    x = torch.cat([angle.cos(), angle.sin()], 1) * SIGMA_DATA
    n = torch.randint(0, 10, (64, 1))
    noise = torch.randn_like(x)
    high, low = levels[n + 1], levels[n]
    upper = model(x + high * noise, high)
    with torch.no_grad():
        lower = target(x + low * noise, low)
    loss = (torch.sqrt((upper - lower).pow(2).sum(1) + 1e-4) - 1e-2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    follow(0.95)
    print(step, loss.item())
