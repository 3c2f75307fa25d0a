# expect: blockage embedder.*
import torch
from torch import nn

torch.manual_seed(27)
embedder = nn.Linear(6, 4)
optimizer = torch.optim.SGD(embedder.parameters(), lr=0.01)


def distance(a, b):
    return (a - b).pow(2).sum(1).sqrt()  # <- blame


for step in range(4):
    anchor, negative = torch.randn(16, 6), torch.randn(16, 6)
    positive = torch.cat([anchor[:1], anchor[1:] + 0.1 * torch.randn(15, 6)])
    a, p, n = embedder(anchor), embedder(positive), embedder(negative)
    loss = (distance(a, p) - distance(a, n) + 1).relu().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
