import torch
import torch.nn as nn
from torch.utils.checkpoint import checkpoint

torch.manual_seed(9)


class UNetish(nn.Module):
    def __init__(self):
        super().__init__()
        self.encode = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU())
        self.middle = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.ReLU())
        self.decode = nn.Sequential(nn.Conv2d(16, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 1))

    def forward(self, image):
        down = checkpoint(self.encode, image, use_reentrant=True)
        middle = checkpoint(self.middle, down, use_reentrant=True)
        return self.decode(torch.cat([down, middle], dim=1))


net = UNetish()
opt = torch.optim.RMSprop(net.parameters(), lr=1e-3)
bce = nn.BCEWithLogitsLoss()

for it in range(4):
    image = torch.rand(4, 1, 16, 16)
    mask = (image > 0.5).float()
    # the re-entrant kind gives the weights inside a gradient only if one of its inputs asks for one
    image.requires_grad_(True)
    opt.zero_grad()
    loss = bce(net(image), mask)
    loss.backward()
    opt.step()
    print(f"iteration {it}: {loss.item():.4f}")
