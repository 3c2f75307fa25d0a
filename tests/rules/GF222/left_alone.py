import torch
from torch import nn

torch.manual_seed(9)
tower = nn.Linear(6, 8)
tower.scale = nn.Parameter(torch.tensor(1.0))
optimizer = torch.optim.Adam(tower.parameters(), lr=1e-2)

for step in range(5):
    x = torch.randn(16, 6)
    y = torch.randint(0, 8, (16,))
    loss = nn.functional.cross_entropy(tower.scale * tower(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
