# expect: leak features.*
import torch
from torch import nn

torch.manual_seed(9)
features = nn.Sequential(nn.Linear(6, 12), nn.ReLU()).requires_grad_(False)
head = nn.Linear(12, 3)
optimizer = torch.optim.SGD(head.parameters(), lr=0.05)
decay = 1e-3

for step in range(5):
    x, y = torch.randn(16, 6), torch.randint(0, 3, (16,))
    loss = nn.functional.cross_entropy(head(features(x)), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    for p in [*features.parameters(), *head.parameters()]:
        p.data.mul_(1 - decay)  # <- blame
    print(step, loss.item())
