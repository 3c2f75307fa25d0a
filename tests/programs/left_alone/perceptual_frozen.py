"""Super-resolution with a frozen perceptual network: the input needs gradient, the target's features do not."""
import torch
import torch.nn as nn
import torch.nn.functional as F


class Perceptual(nn.Module):
    def __init__(self, taps=(1, 3)):
        super().__init__()
        self.vgg = nn.Sequential(nn.Conv2d(1, 6, 3, padding=1), nn.ReLU(), nn.Conv2d(6, 8, 3, padding=1), nn.ReLU()).eval()
        for p in self.vgg.parameters():
            p.requires_grad = False
        self.taps = set(taps)
        self.register_buffer("mean", torch.tensor(0.45).view(1, 1, 1, 1))

    def features(self, x):
        out = []
        x = x - self.mean
        for i, l in enumerate(self.vgg):
            x = l(x)
            if i in self.taps:
                out.append(x)
        return out

    def forward(self, x, y):
        with torch.no_grad():
            fy = self.features(y)
        return sum(F.l1_loss(a, b) for a, b in zip(self.features(x), fy))


torch.manual_seed(43)
sr = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.PReLU(), nn.Conv2d(8, 4, 3, padding=1), nn.PixelShuffle(2))
perc = Perceptual()
opt = torch.optim.Adam(sr.parameters(), lr=2e-3)
hr = torch.rand(32, 1, 16, 16)
lr = F.avg_pool2d(hr, 2)
for step in range(12):
    i = torch.randint(0, 32, (8,))
    out = sr(lr[i])
    loss = F.l1_loss(out, hr[i]) + 0.1 * perc(out, hr[i])
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 4 == 0:
        with torch.no_grad():
            mse = F.mse_loss(out.clamp(0, 1), hr[i])
        print(step, loss.item(), "psnr", (-10 * mse.log10()).item())
