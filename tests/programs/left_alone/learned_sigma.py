import torch
import torch.nn as nn
import torch.nn.functional as F


class SigmaUNet(nn.Module):
    def __init__(self, dim=6, hidden=32):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(dim + 1, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU())
        self.mean_head = nn.Linear(hidden, dim)
        self.var_head = nn.Linear(hidden, dim)

    def forward(self, x, t):
        h = self.body(torch.cat([x, t[:, None].float() / 50], -1))
        return torch.cat([self.mean_head(h), self.var_head(h)], -1)


def normal_kl(m1, lv1, m2, lv2):
    return 0.5 * (-1 + lv2 - lv1 + torch.exp(lv1 - lv2) + (m1 - m2) ** 2 * torch.exp(-lv2))


class GaussianDiffusion:
    def __init__(self, steps=50):
        self.betas = torch.linspace(1e-3, 0.1, steps)
        self.alphas = 1 - self.betas
        self.bar = self.alphas.cumprod(0)
        self.bar_prev = torch.cat([torch.ones(1), self.bar[:-1]])
        self.post_var = (self.betas * (1 - self.bar_prev) / (1 - self.bar)).clamp(min=1e-5)

    def at(self, table, t):
        return table[t][:, None]

    def training_losses(self, model, x0, t, noise):
        x = self.at(self.bar, t).sqrt() * x0 + (1 - self.at(self.bar, t)).sqrt() * noise
        output = model(x, t)
        eps, var_values = output.chunk(2, dim=-1)
        frozen_out = torch.cat([eps.detach(), var_values], dim=-1)
        vb = self.vb_terms(frozen_out, x0, x, t).mean()
        mse = F.mse_loss(eps, noise)
        return mse + vb / 10, mse, vb

    def mean(self, x0, x, t):
        a, b, bp = self.at(self.alphas, t), self.at(self.bar, t), self.at(self.bar_prev, t)
        return bp.sqrt() * (1 - a) / (1 - b) * x0 + a.sqrt() * (1 - bp) / (1 - b) * x

    def vb_terms(self, out, x0, x, t):
        eps, v = out.chunk(2, dim=-1)
        frac = (v.tanh() + 1) / 2
        lo, hi = self.at(self.post_var.log(), t), self.at(self.betas.log(), t)
        log_var = frac * hi + (1 - frac) * lo
        b = self.at(self.bar, t)
        pred_x0 = (x - (1 - b).sqrt() * eps) / b.sqrt()
        return normal_kl(self.mean(x0, x, t), lo, self.mean(pred_x0, x, t), log_var)


torch.manual_seed(38)
model, diffusion = SigmaUNet(), GaussianDiffusion()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
for step in range(5):
    x0 = torch.randn(16, 6).cumsum(-1) * 0.2
    t = torch.randint(5, 50, (16,))
    loss, mse, vb = diffusion.training_losses(model, x0, t, torch.randn_like(x0))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, f"{loss.item():.5f} {mse.item():.5f} {vb.item():.5f}")
