import torch
from torch import nn

torch.manual_seed(4)
net = nn.Sequential(nn.Linear(5, 16), nn.Sigmoid(), nn.Linear(16, 2))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
skipped = 0
for step in range(5):
    hidden = net[1](net[0](torch.randn(8, 5)))
    if step == 2:
        hidden += 0.1
    loss = net[2](hidden).pow(2).mean()
    optimizer.zero_grad()
    try:
        loss.backward()
    except RuntimeError:
        skipped += 1
        continue
    optimizer.step()
print(skipped)
