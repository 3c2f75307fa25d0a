# options: --guard --steps 3
import torch
from torch import nn

torch.manual_seed(119)
encoder = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 8)).requires_grad_(False)
head = nn.Linear(8, 3)
optimizer = torch.optim.Adam([*encoder.parameters(), *head.parameters()], lr=0.01)
x, y = torch.randn(32, 8), torch.randint(0, 3, (32,))

# gradual unfreezing: from the last layer to the first, by plan, and no contract says otherwise
for epoch in range(6):
    if epoch == 2:
        encoder[2].requires_grad_(True)
    if epoch == 4:
        encoder.requires_grad_(True)
    for _ in range(5):
        loss = nn.functional.cross_entropy(head(encoder(x)), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
