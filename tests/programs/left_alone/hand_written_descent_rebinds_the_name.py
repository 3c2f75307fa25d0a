"""Softmax regression and a hidden layer trained by a hand-written gradient descent (course exercise)."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(72)


class SmallNet(nn.Module):
    def __init__(self, inputs=6, hidden=20, outputs=3):
        super().__init__()
        self.hidden = nn.Linear(inputs, hidden)
        self.output = nn.Linear(hidden, outputs)

    def forward(self, x):
        return self.output(torch.tanh(self.hidden(x)))


def batches(x, y, size):
    order = torch.randperm(len(x))
    for start in range(0, len(x), size):
        pick = order[start : start + size]
        yield x[pick], y[pick]


def descend(parameters, lr):
    with torch.no_grad():
        for p in parameters:
            p -= lr * p.grad


def clear(parameters):
    for p in parameters:
        p.grad = None


x = torch.randn(96, 6)
y = (x @ torch.randn(6, 3)).argmax(1)
model = SmallNet()
for epoch in range(3):
    total = 0.0
    for xb, yb in batches(x, y, 32):
        clear(model.parameters())
        loss = F.cross_entropy(model(xb), yb)
        loss.backward()
        descend(model.parameters(), lr=0.5)
        total += loss.item()
    print(epoch, total / 3)
