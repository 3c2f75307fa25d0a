"""Class-incremental learning: the head is widened as new classes come in, old rows are kept."""

import torch
import torch.nn.functional as F
from torch import nn


class IncrementalNet(nn.Module):
    def __init__(self, inputs, width, classes):
        super().__init__()
        self.features = nn.Sequential(nn.Linear(inputs, width), nn.ReLU())
        self.head = nn.Linear(width, classes)

    def widen(self, extra):
        old = self.head
        wider = nn.Linear(old.in_features, old.out_features + extra)
        with torch.no_grad():
            wider.weight[: old.out_features] = old.weight
            wider.bias[: old.out_features] = old.bias
        self.head = wider

    def forward(self, x):
        return self.head(self.features(x))


def make_task(first, last, inputs):
    labels = torch.randint(first, last, (24,))
    return torch.randn(24, inputs) + labels[:, None], labels


def train_task(model, optimizer, task, steps=3):
    inputs, labels = task
    for _ in range(steps):
        loss = F.cross_entropy(model(inputs), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"classes {model.head.out_features}: loss {loss.item():.3f}")


def main(inputs=8, classes_per_task=2, tasks=2):
    torch.manual_seed(17)
    model = IncrementalNet(inputs, 16, classes_per_task)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for number in range(tasks):
        if number > 0:
            model.widen(classes_per_task)
            optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
        first = number * classes_per_task
        train_task(model, optimizer, make_task(first, first + classes_per_task, inputs))


if __name__ == "__main__":
    main()
