import argparse

import torch
from torch import nn


def initialise(module, bias):
    if isinstance(module, nn.Linear):
        nn.init.kaiming_uniform_(module.weight, nonlinearity="relu")
        nn.init.constant_(module.bias, bias)


def build(width, bias):
    net = nn.Sequential(nn.Linear(6, width), nn.ReLU(), nn.Linear(width, 1))
    for module in net:
        initialise(module, bias)
    return net


def main(argv=None):
    parser = argparse.ArgumentParser(description="Fits a small regressor.")
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--initial-bias", type=float, default=0.1)
    parser.add_argument("--steps", type=int, default=6)
    args = parser.parse_args(argv)

    torch.manual_seed(0)
    net = build(args.width, args.initial_bias)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    x = torch.rand(64, 6)
    y = (x[:, :1] - x[:, 1:2]).abs()
    for step in range(args.steps):
        loss = nn.functional.mse_loss(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"step {step:2d} mse {loss.item():.4f}")


if __name__ == "__main__":
    main([])
