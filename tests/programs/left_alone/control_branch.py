import copy

import torch
import torch.nn as nn
import torch.nn.functional as F


def zero_module(module):
    for p in module.parameters():
        nn.init.zeros_(p)
    return module


class Trunk(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.inp = nn.Conv2d(3, width, 3, padding=1)
        self.down = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(2))
        self.out = nn.Conv2d(width, 3, 3, padding=1)

    def forward(self, x, control=None):
        h = self.inp(x)
        for i, block in enumerate(self.down):
            h = F.silu(block(h))
            if control is not None:
                h = h + control[i]
        return self.out(h)


class ControlNet(nn.Module):
    def __init__(self, trunk, width=8):
        super().__init__()
        self.inp = copy.deepcopy(trunk.inp)
        self.blocks = copy.deepcopy(trunk.down)
        self.hint = nn.Sequential(nn.Conv2d(1, width, 3, padding=1), nn.SiLU(), zero_module(nn.Conv2d(width, width, 1)))
        self.zero_convs = nn.ModuleList(zero_module(nn.Conv2d(width, width, 1)) for _ in self.blocks)
        self.requires_grad_(True)

    def forward(self, x, hint):
        h = self.inp(x) + self.hint(hint)
        outs = []
        for block, zero in zip(self.blocks, self.zero_convs):
            h = F.silu(block(h))
            outs.append(zero(h))
        return outs


torch.manual_seed(31)
trunk = Trunk()
trunk.requires_grad_(False)
control = ControlNet(trunk)
optimizer = torch.optim.AdamW(control.parameters(), lr=5e-3)
for step in range(5):
    clean = torch.rand(4, 3, 8, 8)
    edges = (clean.mean(1, keepdim=True) > 0.5).float()
    noise = torch.randn_like(clean)
    pred = trunk(clean + noise, control(clean + noise, edges))
    loss = F.mse_loss(pred, noise)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    print(f"step {step}: {loss.item():.6f}")
