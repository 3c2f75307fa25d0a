import torch
from torch import nn

torch.manual_seed(7)
base = nn.Linear(6, 16)
head = nn.Linear(16, 3)
base.requires_grad_(False)
optimizer = torch.optim.SGD(head.parameters(), lr=0.1)

for step in range(5):
    x = torch.randn(16, 6)
    y = torch.randint(0, 3, (16,))
    loss = nn.functional.cross_entropy(head(torch.relu(base(x))), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
