import torch
import torch.nn as nn
import torch.nn.functional as F


class SpecifyGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx, latents, gt_grad):
        ctx.save_for_backward(gt_grad)
        return torch.ones([1], dtype=latents.dtype)

    @staticmethod
    def backward(ctx, grad_scale):
        (gt_grad,) = ctx.saved_tensors
        return gt_grad * grad_scale, None


class RadianceGrid(nn.Module):
    def __init__(self, size=8):
        super().__init__()
        self.density = nn.Parameter(torch.zeros(1, 1, size, size, size))
        self.colour = nn.Parameter(torch.randn(1, 3, size, size, size) * 0.1)

    def forward(self, azimuth):
        density = F.softplus(self.density)
        volume = torch.sigmoid(self.colour)
        axis = 2 + int(azimuth) % 3
        weight = density.softmax(axis)
        return (weight * volume).sum(axis)


class StableGuidance(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Conv2d(3, 4, 2, 2)
        self.unet = nn.Sequential(nn.Conv2d(4, 16, 3, padding=1), nn.SiLU(), nn.Conv2d(16, 4, 3, padding=1))
        self.register_buffer("alphas", torch.linspace(0.99, 0.1, 100))
        for p in self.parameters():
            p.requires_grad_(False)

    def train_step(self, rgb, generator):
        latents = self.encoder(rgb * 2 - 1)
        t = torch.randint(2, 98, (1,), generator=generator)
        a = self.alphas[t].view(-1, 1, 1, 1)
        with torch.no_grad():
            noise = torch.randn(latents.shape, generator=generator)
            noisy = a.sqrt() * latents + (1 - a).sqrt() * noise
            noise_pred = self.unet(noisy)
        grad = torch.nan_to_num((1 - a) * (noise_pred - noise))
        return SpecifyGradient.apply(latents, grad)


torch.manual_seed(3)
generator = torch.Generator().manual_seed(3)
scene, guidance = RadianceGrid(), StableGuidance()
optimizer = torch.optim.Adam(scene.parameters(), lr=1e-2)
for i in range(6):
    loss = guidance.train_step(scene(i), generator)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(i, loss.item(), f"{scene.density.abs().mean().item():.6f}")
