import random

import torch
import torch.nn as nn
import torch.nn.functional as F


class Denoiser(nn.Module):
    def __init__(self, dim=8, hidden=32):
        super().__init__()
        self.time = nn.Sequential(nn.Linear(1, hidden), nn.SiLU())
        self.net = nn.Sequential(nn.Linear(2 * dim, hidden), nn.SiLU())
        self.out = nn.Linear(hidden, dim)

    def forward(self, x, t, x_self_cond):
        return self.out(self.net(torch.cat([x_self_cond, x], -1)) + self.time(t[:, None]))


class Diffusion:
    def __init__(self, model, self_condition=True):
        self.model = model
        self.self_condition = self_condition

    def p_losses(self, x0, generator):
        t = torch.rand(len(x0), generator=generator)
        noise = torch.randn(x0.shape, generator=generator)
        alpha = torch.cos(t * 1.5)[:, None]
        x = alpha * x0 + (1 - alpha ** 2).sqrt() * noise
        x_self_cond = torch.zeros_like(x)
        if self.self_condition and random.random() < 0.5:
            with torch.no_grad():
                x_self_cond = self.model(x, t, x_self_cond)
                x_self_cond.detach_()
        pred = self.model(x, t, x_self_cond)
        return F.mse_loss(pred, x0)


random.seed(1)
torch.manual_seed(1)
generator = torch.Generator().manual_seed(1)
model = Denoiser()
diffusion = Diffusion(model)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, betas=(0.9, 0.99))
for step in range(6):
    optimizer.zero_grad()
    total = 0.0
    for _ in range(2):
        x0 = torch.randn(16, 8, generator=generator).cumsum(-1) * 0.3
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = diffusion.p_losses(x0, generator) / 2
        loss.backward()
        total += loss.item()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    print(f"loss {total:.4f}")
