"""Progressive growing: the new, finer stage is blended in with a weight that starts at exactly zero."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(3)


class Growing(nn.Module):
    def __init__(self):
        super().__init__()
        self.base = nn.Sequential(nn.Linear(8, 4 * 4 * 4), nn.Unflatten(1, (4, 4, 4)), nn.LeakyReLU(0.2))
        self.to_gray_low = nn.Conv2d(4, 1, 1)
        self.stage = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.LeakyReLU(0.2))
        self.to_gray_high = nn.Conv2d(4, 1, 1)

    def forward(self, z, alpha):
        h = self.base(z)
        low = F.interpolate(self.to_gray_low(h), scale_factor=2)
        high = self.to_gray_high(self.stage(F.interpolate(h, scale_factor=2)))
        return (1 - alpha) * low + alpha * high


decoder = Growing()
encoder = nn.Sequential(nn.Flatten(), nn.Linear(64, 8))
optimizer = torch.optim.Adam([*decoder.parameters(), *encoder.parameters()], lr=2e-3, betas=(0.0, 0.99))
FADE = 5
for step in range(8):
    alpha = min(1.0, step / FADE)
    image = torch.rand(8, 1, 8, 8)
    loss = F.mse_loss(decoder(encoder(image), alpha), image)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, round(alpha, 2), loss.item())
