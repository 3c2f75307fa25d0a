"""ControlNet: a trained net stays fixed, a copy of its encoder learns through convolutions that start at zero."""
import copy

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(2)
C = 8


def zero_module(module):
    for p in module.parameters():
        p.detach().zero_()
    return module


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(1, C, 3, padding=1), nn.SiLU(), nn.Conv2d(C, C, 3, padding=1), nn.SiLU())
        self.decoder = nn.Conv2d(C, 1, 3, padding=1)

    def forward(self, x, control=0.0):
        return self.decoder(self.encoder(x) + control)


class ControlNet(nn.Module):
    def __init__(self, unet):
        super().__init__()
        self.copy = copy.deepcopy(unet.encoder)
        self.hint = nn.Conv2d(1, 1, 3, padding=1)
        self.zero_conv = zero_module(nn.Conv2d(C, C, 1))

    def forward(self, x, hint):
        return self.zero_conv(self.copy(x + self.hint(hint)))


unet = UNet()
controlnet = ControlNet(unet)
unet.requires_grad_(False)
optimizer = torch.optim.AdamW(controlnet.parameters(), lr=1e-3, weight_decay=0.0)

for step in range(6):
    image = torch.rand(4, 1, 8, 8)
    edges = (image - F.avg_pool2d(image, 3, 1, 1)).abs()
    noise = torch.randn_like(image)
    noisy = 0.7 * image + 0.7 * noise
    loss = F.mse_loss(unet(noisy, controlnet(noisy, edges)), noise)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    print(step, loss.item())
