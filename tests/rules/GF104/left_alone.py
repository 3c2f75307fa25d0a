import torch
from torch import nn

torch.manual_seed(3)
encoder = nn.Sequential(nn.Linear(10, 12), nn.GELU(), nn.Linear(12, 6))
decoder = nn.Linear(6, 10)
for p in encoder.parameters():
    p.requires_grad = False
optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=1e-3)

for step in range(4):
    x = torch.randn(20, 10)
    loss = nn.functional.mse_loss(decoder(encoder(x)), x)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
