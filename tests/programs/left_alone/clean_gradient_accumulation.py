import argparse

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


def get_args():
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch_size", default=4, type=int)
    parser.add_argument("--accum_iter", default=4, type=int, help="batches per optimizer step")
    parser.add_argument("--epochs", default=2, type=int)
    parser.add_argument("--lr", default=3e-3, type=float)
    return parser.parse_args()


def train_one_epoch(model, loader, optimizer, criterion, accum_iter):
    model.train()
    optimizer.zero_grad()
    total = 0.0
    for i, (x, y) in enumerate(loader):
        loss = criterion(model(x), y) / accum_iter
        loss.backward()
        total += loss.item()
        if (i + 1) % accum_iter == 0 or (i + 1) == len(loader):
            nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
            optimizer.step()
            optimizer.zero_grad()
    return total * accum_iter / len(loader)


@torch.no_grad()
def evaluate(model, loader, criterion):
    model.eval()
    return sum(criterion(model(x), y).item() for x, y in loader) / len(loader)


def main(args):
    torch.manual_seed(0)
    dataset = TensorDataset(torch.randn(50, 1, 14, 14), torch.randint(0, 10, (50,)))
    loader = DataLoader(dataset, batch_size=args.batch_size, shuffle=True)
    model = nn.Sequential(
        nn.Conv2d(1, 8, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(200, 32),
        nn.ReLU(),
        nn.Dropout(0.3),
        nn.Linear(32, 10),
    )
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr)
    for epoch in range(args.epochs):
        train_loss = train_one_epoch(model, loader, optimizer, criterion, args.accum_iter)
        print(f"[{epoch}] train {train_loss:.4f} val {evaluate(model, loader, criterion):.4f}")


if __name__ == "__main__":
    main(get_args())
