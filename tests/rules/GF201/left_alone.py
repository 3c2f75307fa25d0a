import torch
from torch import nn

torch.manual_seed(11)
encoder = nn.Sequential(nn.Linear(10, 16), nn.Tanh(), nn.Linear(16, 4))
decoder = nn.Linear(4, 10)
optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=1e-2)

for step in range(5):
    x = torch.randn(32, 10)
    z = encoder(x)
    loss = nn.functional.mse_loss(decoder(z), x)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item(), z.detach().std())
