import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class FusionNet(nn.Module):
    """Joins image and table features and projects them to a common width."""

    def __init__(self, width=16, classes=3):
        super().__init__()
        self.width = width
        self.image = nn.Sequential(nn.Conv2d(1, 6, 3, stride=2), nn.ReLU(), nn.Flatten())
        self.table = nn.Linear(5, 10)
        self.projection = nn.Linear(6 * 4 * 4 + 10, width)
        self.classifier = nn.Linear(width, classes)

    def forward(self, images, rows):
        joined = torch.cat([self.image(images), torch.relu(self.table(rows))], dim=1)
        return self.classifier(torch.relu(self.projection(joined)))


def train_one_epoch(model, loader, optimizer):
    model.train()
    total = 0.0
    for images, rows, labels in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images, rows), labels)
        loss.backward()
        optimizer.step()
        total += loss.item()
    return total / len(loader)


def main():
    torch.manual_seed(31)
    model = FusionNet()
    optimizer = torch.optim.Adagrad(model.parameters(), lr=0.02)
    dataset = TensorDataset(torch.randn(24, 1, 9, 9), torch.randn(24, 5), torch.randint(0, 3, (24,)))
    loader = DataLoader(dataset, batch_size=8, shuffle=True)
    for epoch in range(2):
        print(f"epoch {epoch} loss {train_one_epoch(model, loader, optimizer):.4f}")


if __name__ == "__main__":
    main()
