import torch
from torch import nn

torch.manual_seed(4)
perceptual = nn.Sequential(nn.Conv2d(1, 6, 3), nn.ReLU(), nn.Conv2d(6, 6, 3), nn.ReLU())
perceptual.eval().requires_grad_(False)
restorer = nn.Conv2d(1, 1, 5, padding=2)
optimizer = torch.optim.Adam(
    restorer.parameters(), lr=1e-3
)


def perceptual_loss(a, b):
    return (perceptual(a) - perceptual(b)).abs().mean()


for step in range(4):
    clean = torch.rand(4, 1, 12, 12)
    restored = restorer(clean + 0.2 * torch.randn_like(clean))
    loss = nn.functional.mse_loss(restored, clean) + perceptual_loss(restored, clean)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
