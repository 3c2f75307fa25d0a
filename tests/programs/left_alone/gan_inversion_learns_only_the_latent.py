"""GAN inversion: the generator is fixed, latent and noise maps are fitted to one picture, the rate is ramped."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(16)


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.mapping = nn.Sequential(nn.Linear(8, 16), nn.LeakyReLU(0.2), nn.Linear(16, 16))
        self.const = nn.Parameter(torch.randn(1, 8, 4, 4))
        self.style = nn.Linear(16, 8)
        self.conv = nn.Conv2d(8, 8, 3, padding=1)
        self.noise_strength = nn.Parameter(torch.tensor(0.1))
        self.out = nn.Conv2d(8, 1, 1)

    def synthesis(self, w, noise):
        x = self.const * self.style(w)[:, :, None, None]
        x = F.leaky_relu(self.conv(F.interpolate(x, scale_factor=2)) + self.noise_strength * noise, 0.2)
        return torch.sigmoid(self.out(x))


G = Generator().eval().requires_grad_(False)
with torch.no_grad():
    w_mean = G.mapping(torch.randn(200, 8)).mean(0, keepdim=True)
    target = G.synthesis(G.mapping(torch.randn(1, 8)), torch.randn(1, 1, 8, 8))

w = w_mean.clone().requires_grad_(True)
noise = torch.randn(1, 1, 8, 8, requires_grad=True)
optimizer = torch.optim.Adam([w, noise], betas=(0.9, 0.999), lr=0.1)
STEPS = 8
for step in range(STEPS):
    ramp = min(1.0, (step + 1) / 3) * (0.5 - 0.5 * math.cos(math.pi * (STEPS - step) / STEPS))
    optimizer.param_groups[0]["lr"] = 0.1 * ramp
    w_noisy = w + 0.05 * torch.randn_like(w) * (1 - step / STEPS) ** 2
    image = G.synthesis(w_noisy, noise)
    loss = F.mse_loss(image, target) + 1e-3 * (noise * noise.roll(1, 3)).mean() ** 2
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    with torch.no_grad():
        noise -= noise.mean()
        noise *= noise.square().mean().rsqrt()
    print(step, loss.item())
