import copy
import math

import torch
import torch.nn.functional as F
from torch import nn


def timestep_embedding(t, dim):
    angles = t[:, None].float() * torch.exp(-math.log(1000) * torch.arange(dim // 2) / (dim // 2))
    return torch.cat([angles.sin(), angles.cos()], dim=1)


class Denoiser(nn.Module):
    def __init__(self, channels=16):
        super().__init__()
        self.time = nn.Linear(channels, channels)
        self.conv_in = nn.Conv2d(1, channels, 3, padding=1)
        self.norm = nn.GroupNorm(4, channels)
        self.conv_mid = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv_out = nn.Conv2d(channels, 1, 3, padding=1)
        nn.init.zeros_(self.conv_out.weight)
        nn.init.zeros_(self.conv_out.bias)

    def forward(self, x, t):
        h = self.conv_in(x)
        time = self.time(timestep_embedding(t, self.time.in_features))[:, :, None, None]
        return self.conv_out(F.silu(h + self.conv_mid(F.silu(self.norm(h) + time))))


class GaussianDiffusion(nn.Module):
    def __init__(self, model, timesteps=50):
        super().__init__()
        self.model, self.timesteps = model, timesteps
        self.register_buffer("betas", torch.linspace(1e-4, 0.05, timesteps))
        self.register_buffer("alphas_cumprod", torch.cumprod(1 - self.betas, dim=0))

    def forward(self, x):
        t, noise = torch.randint(0, self.timesteps, (len(x),)), torch.randn_like(x)
        a = self.alphas_cumprod[t].view(-1, 1, 1, 1)
        return F.mse_loss(self.model(a.sqrt() * x + (1 - a).sqrt() * noise, t), noise)

    @torch.no_grad()
    def sample(self, n, size):
        x = torch.randn(n, 1, size, size)
        for i in reversed(range(self.timesteps)):
            eps = self.model(x, torch.full((n,), i))
            beta, a = self.betas[i], self.alphas_cumprod[i]
            x = (x - beta / (1 - a).sqrt() * eps) / (1 - beta).sqrt()
            x = x + (beta.sqrt() * torch.randn_like(x) if i > 0 else 0)
        return x


class Trainer:
    def __init__(self, diffusion, lr=2e-3, ema_decay=0.995):
        self.diffusion, self.ema_decay = diffusion, ema_decay
        self.ema_model = copy.deepcopy(diffusion).eval().requires_grad_(False)
        self.optimizer = torch.optim.Adam(diffusion.parameters(), lr=lr, betas=(0.9, 0.99))

    @torch.no_grad()
    def update_ema(self):
        for ema_param, param in zip(self.ema_model.parameters(), self.diffusion.parameters()):
            ema_param.lerp_(param, 1 - self.ema_decay)

    def train(self, images, epochs=2):
        for epoch in range(epochs):
            for x in images[torch.randperm(len(images))].split(16):
                loss = self.diffusion(x)
                self.optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(self.diffusion.parameters(), 1.0)
                self.optimizer.step()
                self.update_ema()
            print(f"epoch {epoch} loss {loss.item():.4f} sample std {self.ema_model.sample(2, 8).std().item():.3f}")


if __name__ == "__main__":
    torch.manual_seed(2)
    images = torch.randn(64, 1, 8, 1).expand(-1, -1, -1, 8).clone()
    Trainer(GaussianDiffusion(Denoiser())).train(images)
