# expect: blockage *projection.*
import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def build(args):
    backbone = nn.Sequential(nn.Linear(24, 32), nn.GELU(), nn.Linear(32, 32))
    backbone.requires_grad_(False).eval()
    projection = nn.Sequential(nn.Linear(32, args.width), nn.ReLU())
    classifier = nn.Linear(args.width, 3)
    return backbone, projection, classifier


def extract(backbone, projection, images):
    with torch.no_grad():  # <- blame
        features = backbone(images)
        features = nn.functional.normalize(features, dim=-1)
        tokens = projection(features)  # <- blame
    return tokens


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--lr", type=float, default=1e-3)
    args = parser.parse_args()

    torch.manual_seed(3)
    backbone, projection, classifier = build(args)
    optimizer = torch.optim.AdamW(
        [{"params": projection.parameters()}, {"params": classifier.parameters(), "lr": 10 * args.lr}], lr=args.lr
    )
    loader = DataLoader(TensorDataset(torch.randn(48, 24), torch.randint(0, 3, (48,))), batch_size=16, shuffle=True)
    for epoch in range(args.epochs):
        for images, labels in loader:
            optimizer.zero_grad()
            logits = classifier(extract(backbone, projection, images))
            loss = nn.functional.cross_entropy(logits, labels)
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch}: {loss.item():.4f}")


if __name__ == "__main__":
    main()
