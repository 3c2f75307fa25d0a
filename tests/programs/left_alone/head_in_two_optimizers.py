import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(8, 24), nn.ReLU())
        self.head = nn.Linear(24, 3)

    def forward(self, x):
        return self.head(self.body(x))


def train(model, batches):
    slow = torch.optim.SGD(model.body.parameters(), lr=1e-3)
    fast = torch.optim.SGD(model.head.parameters(), lr=1e-2)
    for x, y in batches:
        slow.zero_grad()
        fast.zero_grad()
        F.cross_entropy(model(x), y).backward()
        slow.step()
        fast.step()


train(Net(), [(torch.randn(8, 8), torch.randint(0, 3, (8,))) for _ in range(5)])
