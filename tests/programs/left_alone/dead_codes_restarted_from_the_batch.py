"""VQ-VAE with a learned codebook; codes that nobody uses are overwritten by encoder outputs drawn from the batch."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(7)
K, D = 12, 4


class Quantizer(nn.Module):
    def __init__(self):
        super().__init__()
        self.codebook = nn.Parameter(torch.randn(K, D))
        self.register_buffer("usage", torch.ones(K))

    def forward(self, z):
        with torch.no_grad():
            index = torch.cdist(z, self.codebook).argmin(1)
            if self.training:
                counts = torch.bincount(index, minlength=K).float()
                self.usage.mul_(0.7).add_(0.3 * counts)
        e = self.codebook[index]
        loss = F.mse_loss(e, z.detach()) + 0.25 * F.mse_loss(z, e.detach())
        return z + (e - z).detach(), loss

    @torch.no_grad()
    def restart(self, z, threshold=0.5):
        dead = (self.usage < threshold).nonzero().squeeze(1)
        if len(dead):
            pick = torch.randint(0, len(z), (len(dead),))
            self.codebook.data[dead] = z[pick]
            self.usage[dead] = 1.0
        return len(dead)


encoder = nn.Sequential(nn.Linear(10, 24), nn.ReLU(), nn.Linear(24, D))
decoder = nn.Sequential(nn.Linear(D, 24), nn.ReLU(), nn.Linear(24, 10))
vq = Quantizer()
optimizer = torch.optim.Adam([*encoder.parameters(), *vq.parameters(), *decoder.parameters()], lr=2e-3)
for step in range(6):
    x = torch.randn(32, 10)
    z = encoder(x)
    q, vq_loss = vq(z)
    loss = F.mse_loss(decoder(q), x) + vq_loss
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    dead = vq.restart(z.detach())
    print(step, loss.item(), dead)
