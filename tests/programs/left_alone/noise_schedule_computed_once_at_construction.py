"""Variational diffusion on toy data with a noise schedule that is learned along with the denoiser."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(52)
T = 20


class LearnedSchedule(nn.Module):
    def __init__(self, steps):
        super().__init__()
        self.gamma = nn.Parameter(torch.linspace(-4.0, -2.0, steps))

    def forward(self, t):
        a = torch.cumprod(1 - torch.sigmoid(self.gamma), 0)[t].unsqueeze(1)
        return a.sqrt(), (1 - a).sqrt()


class Diffusion(nn.Module):
    def __init__(self):
        super().__init__()
        self.schedule = LearnedSchedule(T)
        self.denoiser = nn.Sequential(nn.Linear(3, 48), nn.SiLU(), nn.Linear(48, 48), nn.SiLU(), nn.Linear(48, 2))

    def loss(self, x):
        t = torch.randint(0, T, (len(x),))
        signal, sigma = self.schedule(t)
        eps = torch.randn_like(x)
        x_t = signal * x + sigma * eps
        eps_hat = self.denoiser(torch.cat([x_t, t.float().unsqueeze(1) / T], 1))
        return F.mse_loss(eps_hat, eps)


def two_moons(n):
    a = torch.rand(n) * 3.1416
    upper = torch.rand(n) < 0.5
    x = torch.where(upper, torch.cos(a), 1 - torch.cos(a))
    y = torch.where(upper, torch.sin(a), 0.5 - torch.sin(a))
    return torch.stack([x, y], 1) + 0.05 * torch.randn(n, 2)


diffusion = Diffusion()
optimizer = torch.optim.Adam(diffusion.parameters(), lr=1e-3)
for step in range(5):
    loss = diffusion.loss(two_moons(64))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
