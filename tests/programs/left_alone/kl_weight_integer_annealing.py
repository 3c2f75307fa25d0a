import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(73)
TOTAL_STEPS, ANNEAL = 8, 10


class VAE(nn.Module):
    def __init__(self, d=12, z=3):
        super().__init__()
        self.enc = nn.Sequential(nn.Linear(d, 24), nn.ReLU())
        self.enc_mu, self.enc_lv = nn.Linear(24, z), nn.Linear(24, z)
        self.dec = nn.Sequential(nn.Linear(z, 24), nn.ReLU(), nn.Linear(24, d))

    def forward(self, x):
        h = self.enc(x)
        mu, lv = self.enc_mu(h), self.enc_lv(h)
        z = mu + (0.5 * lv).exp() * torch.randn_like(mu)
        return self.dec(z), mu, lv


def beta(step):
    return min(1.0, (step + 1) / ANNEAL)


vae = VAE()
opt = torch.optim.Adam(vae.parameters(), lr=1e-3)
for step in range(TOTAL_STEPS):
    x = torch.randn(64, 3) @ torch.randn(3, 12)
    x_hat, mu, lv = vae(x)
    rec = F.mse_loss(x_hat, x, reduction="sum") / len(x)
    kl = -0.5 * (1 + lv - mu.pow(2) - lv.exp()).sum() / len(x)
    weighted_kl = beta(step) * kl
    loss = rec + weighted_kl
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(step, rec.item(), kl.item())
