from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class Config:
    n_features: int = 40
    hidden: int = 32
    n_classes: int = 5
    lr: float = 5e-4
    epochs: int = 2


class Backbone(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.fc1 = nn.Linear(config.n_features, config.hidden)
        self.norm = nn.LayerNorm(config.hidden)
        self.fc2 = nn.Linear(config.hidden, config.hidden)

    def forward(self, x):
        return self.fc2(torch.relu(self.norm(self.fc1(x))))


class LinearProbe:
    def __init__(self, config):
        self.config = config
        self.backbone = Backbone(config)
        self.backbone.requires_grad_(False)
        self.head = nn.Linear(config.hidden, config.n_classes)
        self.optimizer = torch.optim.Adam([*self.backbone.parameters(), *self.head.parameters()], lr=config.lr)
        self.criterion = nn.CrossEntropyLoss()

    def fit(self, loader):
        for epoch in range(self.config.epochs):
            total = 0.0
            for x, y in loader:
                self.optimizer.zero_grad()
                loss = self.criterion(self.head(self.backbone(x)), y)
                loss.backward()
                self.optimizer.step()
                total += loss.item()
            print(f"epoch {epoch}: {total / len(loader):.4f}")


if __name__ == "__main__":
    torch.manual_seed(11)
    cfg = Config()
    dataset = TensorDataset(torch.randn(48, cfg.n_features), torch.randint(0, cfg.n_classes, (48,)))
    LinearProbe(cfg).fit(DataLoader(dataset, batch_size=16))
