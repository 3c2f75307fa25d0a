import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def parse_arguments():
    parser = argparse.ArgumentParser(description="Linear probe on features computed once")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--lr", type=float, default=1e-2)
    return parser.parse_args()


@torch.inference_mode()
def extract_features(encoder, loader):
    encoder.eval()
    features, labels = [], []
    for inputs, targets in loader:
        features.append(encoder(inputs))
        labels.append(targets)
    return torch.cat(features).cpu().numpy(), torch.cat(labels).cpu().numpy()


def train_probe(probe, loader, args):
    optimizer = torch.optim.Adam(probe.parameters(), lr=args.lr)
    for epoch in range(args.epochs):
        running = 0.0
        for features, labels in loader:
            loss = nn.functional.cross_entropy(probe(features), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            running += loss.item() * len(labels)
        print(f"epoch {epoch + 1}: loss {running / len(loader.dataset):.4f}")


def main():
    args = parse_arguments()
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Linear(40, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 24))
    raw = TensorDataset(torch.randn(64, 40), torch.randint(0, 6, (64,)))
    features, labels = extract_features(encoder, DataLoader(raw, batch_size=args.batch_size))

    cached = TensorDataset(torch.from_numpy(features), torch.from_numpy(labels))
    probe = nn.Linear(features.shape[1], 6)
    train_probe(probe, DataLoader(cached, batch_size=args.batch_size, shuffle=True), args)


if __name__ == "__main__":
    main()
