import copy

import torch
from torch import nn


def frozen(module):
    return copy.deepcopy(module).requires_grad_(False)


torch.manual_seed(6)
encoder = nn.Sequential(nn.Linear(6, 16), nn.ReLU())
head = nn.Linear(16, 3)
encoder = frozen(encoder)
optimizer = torch.optim.SGD(head.parameters(), lr=0.1)

for step in range(5):
    x = torch.randn(16, 6)
    y = torch.randint(0, 3, (16,))
    loss = nn.functional.cross_entropy(head(encoder(x)), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
