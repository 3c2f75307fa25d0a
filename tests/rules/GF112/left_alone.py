import torch
from torch import nn

torch.manual_seed(5)
backbone = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 8))
head = nn.Linear(8, 3)
backbone.requires_grad_(False)
wider = nn.Linear(16, 8)
wider.load_state_dict(backbone[2].state_dict())
backbone[2] = wider
backbone.requires_grad_(False)
optimizer = torch.optim.Adam(head.parameters(), lr=1e-2)

for step in range(5):
    x = torch.randn(16, 6)
    y = torch.randint(0, 3, (16,))
    loss = nn.functional.cross_entropy(head(backbone(x)), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
