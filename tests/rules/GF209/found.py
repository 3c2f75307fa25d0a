# expect: blockage hasher.*
import torch
from torch import nn

torch.manual_seed(19)
hasher = nn.Sequential(nn.Linear(10, 24), nn.Tanh(), nn.Linear(24, 8))
classifier = nn.Linear(8, 3)
optimizer = torch.optim.Adam([*hasher.parameters(), *classifier.parameters()], lr=1e-2)


def binary(h):
    return torch.sign(h)  # <- blame


for step in range(5):
    x, y = torch.randn(32, 10), torch.randint(0, 3, (32,))
    loss = nn.functional.cross_entropy(classifier(binary(hasher(x))), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
