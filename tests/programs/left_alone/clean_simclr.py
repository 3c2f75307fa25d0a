import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset


class SimCLR(nn.Module):
    def __init__(self, feature_dim=32):
        super().__init__()
        stem = [nn.Conv2d(3, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(inplace=True)]
        body = [nn.Conv2d(16, 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU(inplace=True)]
        self.f = nn.Sequential(*stem, *body, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        hidden = [nn.Linear(32, 64, bias=False), nn.BatchNorm1d(64), nn.ReLU(inplace=True)]
        self.g = nn.Sequential(*hidden, nn.Linear(64, feature_dim))

    def forward(self, x):
        feature = self.f(x)
        return F.normalize(feature, dim=-1), F.normalize(self.g(feature), dim=-1)


def augment(x):
    gain = 0.7 + 0.6 * torch.rand(len(x), 1, 1, 1)
    flip = torch.rand(len(x), 1, 1, 1) < 0.5
    return torch.where(flip, x.flip(-1), x) * gain + 0.05 * torch.randn_like(x)


def info_nce_loss(features, temperature):
    n = features.shape[0] // 2
    labels = torch.cat([torch.arange(n), torch.arange(n)])
    labels = labels.unsqueeze(0) == labels.unsqueeze(1)
    similarity = features @ features.T
    mask = torch.eye(2 * n, dtype=torch.bool)
    labels, similarity = labels[~mask].view(2 * n, -1), similarity[~mask].view(2 * n, -1)
    logits = torch.cat([similarity[labels].view(2 * n, -1), similarity[~labels].view(2 * n, -1)], dim=1)
    return F.cross_entropy(logits / temperature, torch.zeros(2 * n, dtype=torch.long))


def knn_accuracy(net, memory_x, memory_y, test_x, test_y):
    net.eval()
    with torch.no_grad():
        memory, _ = net(memory_x)
        query, _ = net(test_x)
        nearest = (query @ memory.T).argmax(dim=1)
    return (memory_y[nearest] == test_y).float().mean().item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--temperature", type=float, default=0.5)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=2)
    args = parser.parse_args()
    torch.manual_seed(0)

    y = torch.randint(0, 4, (128,))
    x = torch.rand(4, 3, 16, 16)[y] + 0.2 * torch.randn(128, 3, 16, 16)
    loader = DataLoader(TensorDataset(x[:96]), batch_size=args.batch_size, shuffle=True, drop_last=True)
    model = SimCLR()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-6)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=args.epochs * len(loader))

    for epoch in range(args.epochs):
        model.train()
        total = 0.0
        for (images,) in loader:
            _, out = model(torch.cat([augment(images), augment(images)]))
            loss = info_nce_loss(out, args.temperature)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
            total += loss.item()
        accuracy = knn_accuracy(model, x[:96], y[:96], x[96:], y[96:])
        print(f"Train Epoch: [{epoch + 1}/{args.epochs}] Loss: {total / len(loader):.4f} kNN {accuracy:.3f}")


if __name__ == "__main__":
    main()
