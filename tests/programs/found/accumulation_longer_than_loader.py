# expect: blockage *model.*
import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def parse_arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--accumulation-steps", type=int, default=4)
    parser.add_argument("--learning-rate", type=float, default=1e-2)
    parser.add_argument("--epochs", type=int, default=3)
    return parser.parse_args()


def train_one_epoch(model, loader, optimizer, criterion, accumulation_steps):
    model.train()
    optimizer.zero_grad()
    total = 0.0
    for i, (inputs, targets) in enumerate(loader):
        loss = criterion(model(inputs), targets) / accumulation_steps
        loss.backward()
        total += loss.item() * accumulation_steps
        if (i + 1) % accumulation_steps == 0:  # <- blame
            optimizer.step()
            optimizer.zero_grad()
    return total / len(loader)


def main():
    args = parse_arguments()
    torch.manual_seed(89)
    inputs = torch.rand(24, 9)
    targets = inputs.matmul(torch.rand(9, 1))
    loader = DataLoader(TensorDataset(inputs, targets), batch_size=args.batch_size, shuffle=True)
    model = nn.Sequential(nn.Linear(9, 12), nn.Softplus(), nn.Linear(12, 1))
    optimizer = torch.optim.NAdam(model.parameters(), lr=args.learning_rate)
    for epoch in range(args.epochs):
        loss = train_one_epoch(model, loader, optimizer, nn.MSELoss(), args.accumulation_steps)
        print(f"epoch {epoch}: {loss:.4f}")


if __name__ == "__main__":
    main()
