import argparse

import torch
from torch import nn


def make_networks(hidden):
    backbone = nn.Sequential(nn.Linear(20, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh())
    head = nn.Linear(hidden, 4)
    return backbone, head


def build_optimizer(backbone, head, args):
    backbone_parameters = list(filter(lambda p: p.requires_grad, backbone.parameters()))
    print(f"trainable backbone parameters: {sum(p.numel() for p in backbone_parameters)}")
    return torch.optim.AdamW(
        [
            {"params": backbone_parameters, "lr": args.lr * args.backbone_scale},
            {"params": head.parameters(), "lr": args.lr},
        ],
        weight_decay=0.01,
    )


def train(args):
    torch.manual_seed(args.seed)
    backbone, head = make_networks(args.hidden)
    optimizer = build_optimizer(backbone, head, args)
    criterion = nn.CrossEntropyLoss()
    inputs, labels = torch.randn(48, 20), torch.randint(0, 4, (48,))
    for step in range(args.steps):
        batch = torch.randint(0, len(inputs), (16,))
        loss = criterion(head(backbone(inputs[batch])), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"step {step} loss {loss.item():.4f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--backbone-scale", type=float, default=0.1)
    parser.add_argument("--hidden", type=int, default=32)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    train(parser.parse_args())
