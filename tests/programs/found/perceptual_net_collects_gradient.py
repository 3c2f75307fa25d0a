# expect: leak *vgg.*
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(64)


class PerceptualLoss(nn.Module):
    """distance in the feature space of a fixed network"""

    def __init__(self):
        super().__init__()
        self.vgg = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 16, 3, 2, 1), nn.ReLU()).eval()  # <- blame

    def forward(self, out, ref):
        with torch.no_grad():
            f_ref = self.vgg(ref)
        return F.l1_loss(self.vgg(out), f_ref)  # <- blame


class SRNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 12, 3, padding=1), nn.PReLU(), nn.Conv2d(12, 12, 3, padding=1))
        self.up = nn.PixelShuffle(2)

    def forward(self, lr):
        return self.up(self.body(lr)) + F.interpolate(lr, scale_factor=2)


net, perceptual = SRNet(), PerceptualLoss()
optim_g = torch.optim.Adam(net.parameters(), lr=1e-3)
for it in range(5):
    hr = torch.rand(4, 3, 16, 16)
    sr = net(F.avg_pool2d(hr, 2))
    loss = F.l1_loss(sr, hr) + 0.2 * perceptual(sr, hr)
    optim_g.zero_grad()
    loss.backward()
    optim_g.step()
    print(it, loss.item())
