import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(68)


class Codec(nn.Module):
    def __init__(self, ch=6):
        super().__init__()
        self.analysis = nn.Sequential(nn.Conv2d(1, ch, 3, 2, 1), nn.ReLU(), nn.Conv2d(ch, ch, 3, 2, 1))
        self.synthesis = nn.Sequential(nn.ConvTranspose2d(ch, ch, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(ch, 1, 4, 2, 1))

    def quantise(self, y):
        y = y * 8
        q = y + (torch.round(y) - y).detach()
        return q / 8

    def forward(self, img):
        return self.synthesis(self.quantise(self.analysis(img)))


def psnr(a, b):
    return -10 * torch.log10(F.mse_loss(a, b).detach())


codec = Codec()
optim = torch.optim.Adam(codec.parameters(), lr=2e-3)
for step in range(6):
    img = F.interpolate(torch.rand(4, 1, 4, 4), scale_factor=4, mode="bilinear")
    rec = codec(img)
    loss = F.mse_loss(rec, img)
    optim.zero_grad()
    loss.backward()
    optim.step()
    print(step, loss.item(), psnr(rec, img).item())
