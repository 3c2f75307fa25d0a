# expect: blockage *head.*
from dataclasses import dataclass

import torch
from torch import nn


@dataclass
class Config:
    features: int = 12
    width: int = 20
    lr: float = 0.02
    momentum: float = 0.9
    steps: int = 5


class Network(nn.Module):
    def __init__(self, features, width, classes):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(features, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        self.head = nn.Linear(width, classes)

    def forward(self, x):
        return self.head(self.body(x))


class FineTuner:
    def __init__(self, model, config):
        self.model = model
        self.config = config
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = self.make_optimizer()  # <- blame

    def make_optimizer(self):
        return torch.optim.SGD(self.model.parameters(), lr=self.config.lr, momentum=self.config.momentum)

    def set_number_of_classes(self, classes):
        self.model.head = nn.Linear(self.model.head.in_features, classes)  # <- blame

    def fit(self, inputs, labels):
        self.set_number_of_classes(int(labels.max()) + 1)
        self.model.train()
        for step in range(self.config.steps):
            loss = self.criterion(self.model(inputs), labels)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            print(f"step {step}: {loss.item():.4f}")


def main():
    torch.manual_seed(2)
    config = Config()
    pretrained = Network(config.features, config.width, classes=10)
    FineTuner(pretrained, config).fit(torch.randn(30, config.features), torch.arange(30) % 3)


if __name__ == "__main__":
    main()
