import argparse
import math

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset


class TwoCropsDataset(Dataset):
    def __init__(self, n=64):
        self.images = torch.randn(n, 3, 1, 1) + 0.3 * torch.randn(n, 3, 16, 16)

    def __len__(self):
        return len(self.images)

    def transform(self, x):
        top, left = torch.randint(0, 5, (2,)).tolist()
        return x[:, top : top + 12, left : left + 12] * (0.8 + 0.4 * torch.rand(1))

    def __getitem__(self, i):
        return self.transform(self.images[i]), self.transform(self.images[i])


class SimSiam(nn.Module):
    def __init__(self, dim=32, pred_dim=16):
        super().__init__()
        stem = [nn.Conv2d(3, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(inplace=True)]
        body = [nn.Conv2d(16, 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU(inplace=True)]
        self.backbone = nn.Sequential(*stem, *body, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        hidden = [nn.Linear(32, dim, bias=False), nn.BatchNorm1d(dim), nn.ReLU(inplace=True)]
        self.projector = nn.Sequential(*hidden, nn.Linear(dim, dim, bias=False), nn.BatchNorm1d(dim, affine=False))
        bottleneck = [nn.Linear(dim, pred_dim, bias=False), nn.BatchNorm1d(pred_dim), nn.ReLU(inplace=True)]
        self.predictor = nn.Sequential(*bottleneck, nn.Linear(pred_dim, dim))

    def forward(self, x1, x2):
        z1 = self.projector(self.backbone(x1))
        z2 = self.projector(self.backbone(x2))
        p1 = self.predictor(z1)
        p2 = self.predictor(z2)
        return p1, p2, z1.detach(), z2.detach()


def adjust_learning_rate(optimizer, init_lr, epoch, epochs):
    cur_lr = init_lr * 0.5 * (1.0 + math.cos(math.pi * epoch / epochs))
    for param_group in optimizer.param_groups:
        param_group["lr"] = init_lr if param_group["fix_lr"] else cur_lr


def train(loader, model, criterion, optimizer, epoch):
    model.train()
    for i, (x1, x2) in enumerate(loader):
        p1, p2, z1, z2 = model(x1, x2)
        loss = -(criterion(p1, z2).mean() + criterion(p2, z1).mean()) * 0.5
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"Epoch: [{epoch}][{i}/{len(loader)}] Loss {loss.item():.4f}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", default=2, type=int)
    parser.add_argument("--lr", default=0.05, type=float)
    args = parser.parse_args()
    torch.manual_seed(0)
    model = SimSiam()
    optim_params = [
        {"params": [*model.backbone.parameters(), *model.projector.parameters()], "fix_lr": False},
        {"params": model.predictor.parameters(), "fix_lr": True},
    ]
    optimizer = torch.optim.SGD(optim_params, args.lr, momentum=0.9, weight_decay=1e-4)
    loader = DataLoader(TwoCropsDataset(), batch_size=16, shuffle=True, drop_last=True)
    for epoch in range(args.epochs):
        adjust_learning_rate(optimizer, args.lr, epoch, args.epochs)
        train(loader, model, nn.CosineSimilarity(dim=1), optimizer, epoch)


if __name__ == "__main__":
    main()
