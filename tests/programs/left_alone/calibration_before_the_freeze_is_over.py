"""A network is calibrated, then frozen and put into eval mode; a second one keeps a codebook of running averages and learns."""

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(8)


class Range(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("low", torch.tensor(-1.0))
        self.register_buffer("high", torch.tensor(1.0))

    def forward(self, x):
        if self.training:
            with torch.no_grad():
                self.low.mul_(0.9).add_(0.1 * x.min())
                self.high.mul_(0.9).add_(0.1 * x.max())
        step = (self.high - self.low).clamp(min=1e-6) / 255
        q = (x / step).round() * step
        return x + (q - x).detach()


class Codebook(nn.Module):
    def __init__(self, size=6, width=4):
        super().__init__()
        self.register_buffer("codes", torch.randn(size, width))
        self.register_buffer("sums", self.codes.clone())
        self.register_buffer("counts", torch.ones(size))

    def forward(self, z):
        index = torch.cdist(z, self.codes).argmin(1)
        hot = F.one_hot(index, len(self.codes)).to(z)
        with torch.no_grad():
            self.counts.mul_(0.9).add_(hot.sum(0), alpha=0.1)
            self.sums.mul_(0.9).add_(hot.t() @ z, alpha=0.1)
            self.codes.copy_(self.sums / self.counts.clamp(min=1e-3)[:, None])
        q = self.codes[index]
        return z + (q - z).detach(), F.mse_loss(z, q.detach())


encoder = nn.Sequential(nn.Linear(10, 16), nn.ReLU(), Range(), nn.Linear(16, 8), Range())
with torch.no_grad():
    for _ in range(10):
        encoder(torch.randn(32, 10))
encoder.requires_grad_(False)
encoder.eval()
down, codebook, up = nn.Linear(8, 4), Codebook(), nn.Linear(4, 10)
optimizer = torch.optim.Adam([*down.parameters(), *up.parameters()], lr=1e-2)
for step in range(5):
    x = torch.randn(32, 10)
    z, commitment = codebook(down(encoder(x)))
    loss = F.mse_loss(up(z), x) + 0.25 * commitment
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
