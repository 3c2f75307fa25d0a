"""VAE with KL weight annealed from 0 and a second auxiliary loss switched on later."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(5)


class VAE(nn.Module):
    def __init__(self, d=20, z=4):
        super().__init__()
        self.enc = nn.Sequential(nn.Linear(d, 32), nn.ReLU())
        self.mu, self.logvar = nn.Linear(32, z), nn.Linear(32, z)
        self.dec = nn.Sequential(nn.Linear(z, 32), nn.ReLU(), nn.Linear(32, d))
        self.aux = nn.Linear(z, 3)

    def forward(self, x):
        h = self.enc(x)
        mu, logvar = self.mu(h), self.logvar(h).clamp(-8, 8)
        z = mu + torch.randn_like(mu) * (0.5 * logvar).exp()
        return self.dec(z), mu, logvar, self.aux(mu)


def weights(step, total):
    beta = min(1.0, step / (0.5 * total))       # 0 at the first step
    aux = 0.0 if step < total // 4 else 0.5
    return beta, aux


vae = VAE()
opt = torch.optim.Adam(vae.parameters(), lr=3e-3)
data = torch.randn(128, 20)
target = (data[:, :2].sum(1) > 0).long() + (data[:, 2] > 0).long()
TOTAL = 20
for step in range(TOTAL):
    i = torch.randint(0, 128, (32,))
    recon, mu, logvar, pred = vae(data[i])
    rec = F.mse_loss(recon, data[i], reduction="none").sum(1).mean()
    kl = -0.5 * (1 + logvar - mu.pow(2) - logvar.exp()).sum(1).mean()
    sup = F.cross_entropy(pred, target[i])
    beta, w = weights(step, TOTAL)
    loss = rec + beta * kl + w * sup
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 5 == 0:
        print(f"{step} rec {rec.item():.3f} kl {kl.item():.3f} sup {sup.item():.3f} beta {beta:.2f}")
