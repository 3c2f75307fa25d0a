"""StyleGAN-like: non-saturating loss, lazy R1 every 4 steps, EMA generator."""
import copy
import torch
import torch.nn as nn
import torch.nn.functional as F


class Trainer:
    def __init__(self, seed=22):
        torch.manual_seed(seed)
        self.G = nn.Sequential(nn.Linear(4, 32), nn.LeakyReLU(0.2), nn.Linear(32, 2))
        self.D = nn.Sequential(nn.Linear(2, 32), nn.SiLU(), nn.Linear(32, 1))
        self.G_ema = copy.deepcopy(self.G).eval().requires_grad_(False)
        self.g_opt = torch.optim.Adam(self.G.parameters(), lr=2e-3, betas=(0.0, 0.99))
        self.d_opt = torch.optim.Adam(self.D.parameters(), lr=2e-3, betas=(0.0, 0.99))
        self.lazy = 4

    def d_step(self, it, real):
        self.G.requires_grad_(False); self.D.requires_grad_(True)
        self.d_opt.zero_grad(set_to_none=True)
        fake = self.G(torch.randn(len(real), 4))
        loss = F.softplus(self.D(fake)).mean() + F.softplus(-self.D(real)).mean()
        loss.backward()
        if it % self.lazy == 0:
            r = real.detach().clone().requires_grad_(True)
            g, = torch.autograd.grad(self.D(r).sum(), r, create_graph=True)
            (0.5 * 1.0 * g.pow(2).sum(1).mean() * self.lazy).backward()
        self.d_opt.step()
        return loss.item()

    def g_step(self, n):
        self.G.requires_grad_(True); self.D.requires_grad_(False)
        self.g_opt.zero_grad(set_to_none=True)
        loss = F.softplus(-self.D(self.G(torch.randn(n, 4)))).mean()
        loss.backward()
        self.g_opt.step()
        with torch.no_grad():
            for e, p in zip(self.G_ema.parameters(), self.G.parameters()):
                e.copy_(p.lerp(e, 0.9))
        return loss.item()

    def fit(self, iters=12):
        for it in range(iters):
            real = torch.randn(32, 2) @ torch.tensor([[1.0, 0.4], [0.0, 0.3]])
            print(it, self.d_step(it, real), self.g_step(32))


Trainer().fit()
