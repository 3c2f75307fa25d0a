import argparse
import torch
import torch.nn as nn
import torch.nn.functional as F

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=2e-3)
parser.add_argument("--steps", type=int, default=6)
parser.add_argument("--freeze", nargs="*", default=["encoder"])
args = parser.parse_args([])
torch.manual_seed(31)


class UNetish(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(1, 8, 3, 2, 1), nn.ReLU())
        self.decoder = nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(8, 1, 3, padding=1))

    def forward(self, x):
        return self.decoder(self.encoder(x))


class Wrapper(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return torch.sigmoid(self.net(x))


model = Wrapper(UNetish())
for name, p in model.named_parameters():
    if any(name.startswith("net." + prefix) for prefix in args.freeze):
        p.requires_grad = False

opt = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=args.lr)
for step in range(args.steps):
    img = torch.rand(4, 1, 8, 8)
    mask = (img > 0.5).float()
    loss = F.binary_cross_entropy(model(img), mask)
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(step, loss.item())
