import torch
from torch import nn

torch.manual_seed(12)
backbone = nn.Sequential(nn.Linear(9, 16), nn.ReLU()).requires_grad_(False)
projection = nn.Linear(16, 8)
head = nn.Linear(8, 3)
optimizer = torch.optim.Adam([*projection.parameters(), *head.parameters()], lr=1e-2)


def embed(x):
    with torch.no_grad():
        features = backbone(x)
    return projection(features)


for step in range(5):
    x, y = torch.randn(32, 9), torch.randint(0, 3, (32,))
    loss = nn.functional.cross_entropy(head(embed(x)), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
