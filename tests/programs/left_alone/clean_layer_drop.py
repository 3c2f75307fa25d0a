import argparse

import torch
from torch import nn


class ResidualBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm = nn.GroupNorm(2, channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x):
        return self.conv2(torch.relu(self.norm(self.conv1(x))))


class StochasticDepthNet(nn.Module):
    def __init__(self, channels=8, depth=4, drop=0.5, classes=4):
        super().__init__()
        self.stem = nn.Conv2d(3, channels, 3, padding=1)
        self.blocks = nn.ModuleList(ResidualBlock(channels) for _ in range(depth))
        self.survival = [1 - drop * (i + 1) / depth for i in range(depth)]
        self.head = nn.Linear(channels, classes)

    def forward(self, x):
        x = self.stem(x)
        for block, survival in zip(self.blocks, self.survival, strict=True):
            if not self.training:
                x = x + survival * block(x)
            elif torch.rand(()).item() < survival:
                x = x + block(x)
        return self.head(x.mean(dim=(2, 3)))


def run(args):
    torch.manual_seed(args.seed)
    model = StochasticDepthNet(depth=args.depth, drop=args.drop)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True)
    images, labels = torch.randn(16, 3, 10, 10), torch.randint(0, 4, (16,))
    for step in range(args.steps):
        model.train()
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        model.eval()
        with torch.no_grad():
            accuracy = (model(images).argmax(1) == labels).float().mean().item()
        print(f"step {step}: loss {loss.item():.4f} accuracy {accuracy:.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--depth", type=int, default=4)
    parser.add_argument("--drop", type=float, default=0.5)
    parser.add_argument("--steps", type=int, default=8)
    run(parser.parse_args())
