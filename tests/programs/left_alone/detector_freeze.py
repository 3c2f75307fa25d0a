import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F

# options: --frozen detector.model.0 --frozen detector.model.1 --frozen detector.model.2


class Conv(nn.Module):
    def __init__(self, c1, c2, s=1):
        super().__init__()
        self.conv = nn.Conv2d(c1, c2, 3, s, 1, bias=False)
        self.bn = nn.GroupNorm(2, c2)

    def forward(self, x):
        return F.silu(self.bn(self.conv(x)))


class Detect(nn.Module):
    def __init__(self, c, nc):
        super().__init__()
        self.box = nn.Conv2d(c, 4, 1)
        self.cls = nn.Conv2d(c, nc, 1)

    def forward(self, x):
        return torch.cat([self.box(x), self.cls(x)], 1)


class DetectionModel(nn.Module):
    def __init__(self, nc=3):
        super().__init__()
        self.model = nn.Sequential(Conv(3, 4), Conv(4, 8, 2), Conv(8, 8), Conv(8, 8, 2), Detect(8, nc))

    def forward(self, x):
        return self.model(x)


def parse_opt(argv):
    parser = argparse.ArgumentParser()
    parser.add_argument("--freeze", nargs="+", type=int, default=[0], help="freeze the layers up to this one")
    parser.add_argument("--lr0", type=float, default=0.01)
    parser.add_argument("--epochs", type=int, default=3)
    return parser.parse_args(argv)


def train(detector, opt):
    freeze = [f"model.{x}." for x in (opt.freeze if len(opt.freeze) > 1 else range(opt.freeze[0] + 1))]
    for k, v in detector.named_parameters():
        v.requires_grad = True
        if any(k.startswith(x) for x in freeze):
            print(f"freezing {k}")
            v.requires_grad = False
    optimizer = torch.optim.SGD(detector.parameters(), lr=opt.lr0, momentum=0.937, nesterov=True)
    for epoch in range(opt.epochs):
        imgs = torch.rand(4, 3, 16, 16)
        target = F.avg_pool2d(imgs, 4).mean(1, keepdim=True).expand(-1, 7, -1, -1)
        loss = F.mse_loss(detector(imgs), target)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        print(f"{epoch + 1}/{opt.epochs} {loss.item():.5f}")


torch.manual_seed(0)
detector = DetectionModel()
train(detector, parse_opt(["--freeze", "2"]))
