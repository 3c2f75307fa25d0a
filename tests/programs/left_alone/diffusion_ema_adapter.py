"""DDPM in 1-D with schedule buffers, sinusoidal positions, EMA model used for sampling between epochs."""
import math
from copy import deepcopy
import torch
from torch import nn


class Denoiser(nn.Module):
    def __init__(self, d=32):
        super().__init__()
        self.register_buffer("freqs", torch.exp(-math.log(1000) * torch.arange(8) / 8), persistent=False)
        self.time = nn.Sequential(nn.Linear(16, d), nn.SiLU(), nn.Linear(d, d))
        self.inp, self.mid, self.out = nn.Linear(2, d), nn.Linear(d, d), nn.Linear(d, 2)
        nn.init.zeros_(self.out.weight); nn.init.zeros_(self.out.bias)

    def forward(self, x, t):
        a = t[:, None] * self.freqs
        h = torch.nn.functional.silu(self.inp(x) + self.time(torch.cat([a.sin(), a.cos()], 1)))
        return self.out(torch.nn.functional.silu(self.mid(h)))


T = 20
beta = torch.linspace(1e-3, 0.2, T)
abar = (1 - beta).cumprod(0)


@torch.no_grad()
def sample(net, n):
    x = torch.randn(n, 2)
    for t in reversed(range(T)):
        eps = net(x, torch.full((n,), float(t)))
        x = (x - beta[t] / (1 - abar[t]).sqrt() * eps) / (1 - beta[t]).sqrt()
        if t:
            x = x + beta[t].sqrt() * torch.randn_like(x)
    return x


torch.manual_seed(59)
net = Denoiser()
ema = deepcopy(net).requires_grad_(False).eval()
opt = torch.optim.AdamW(net.parameters(), lr=2e-3)
for step in range(24):
    x0 = torch.randn(64, 2) * 0.2 + torch.tensor([1.0, -1.0])
    t = torch.randint(0, T, (64,))
    eps = torch.randn_like(x0)
    xt = abar[t, None].sqrt() * x0 + (1 - abar[t, None]).sqrt() * eps
    loss = (net(xt, t.float()) - eps).square().mean()
    opt.zero_grad(); loss.backward(); opt.step()
    with torch.no_grad():
        torch._foreach_lerp_(list(ema.parameters()), list(net.parameters()), 0.1)
    if step % 8 == 7:
        print(step, loss.item(), sample(ema, 8).mean(0).tolist())
