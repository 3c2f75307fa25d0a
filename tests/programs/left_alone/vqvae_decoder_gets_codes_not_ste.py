import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(22)


class VQVAE(nn.Module):
    def __init__(self, d=8, n_codes=16, beta=0.25):
        super().__init__()
        self.enc = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, d))
        self.dec = nn.Sequential(nn.Linear(d, 32), nn.ReLU(), nn.Linear(32, 20))
        self.codebook = nn.Embedding(n_codes, d)
        self.beta = beta

    def quantize(self, z):
        idx = torch.cdist(z, self.codebook.weight).argmin(-1)
        e = self.codebook(idx)
        vq = F.mse_loss(e, z.detach()) + self.beta * F.mse_loss(z, e.detach())
        z_q = z + (e - z).detach()
        return z_q, vq

    def forward(self, x):
        q, vq = self.quantize(self.enc(x))
        return self.dec(q), vq


model = VQVAE()
opt = torch.optim.Adam(model.parameters(), lr=2e-3)
for it in range(6):
    x = torch.randn(64, 4) @ torch.randn(4, 20)
    x_hat, vq_loss = model(x)
    recon = F.mse_loss(x_hat, x)
    loss = recon + vq_loss
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(it, "recon", recon.item(), "vq", vq_loss.item())
