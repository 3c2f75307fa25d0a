"""Adversarial patch: one small picture is optimised against a fixed classifier and clamped to the valid range."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(15)
SIZE, PATCH, TARGET = 12, 4, 2

victim = nn.Sequential(
    nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(3), nn.Flatten(), nn.Linear(72, 5)
)
victim.eval()
for p in victim.parameters():
    p.requires_grad_(False)

patch = nn.Parameter(torch.full((1, PATCH, PATCH), 0.5))
optimizer = torch.optim.Adam([patch], lr=0.05)


def paste(images, patch):
    out = []
    for image in images:
        y, x = torch.randint(0, SIZE - PATCH, (2,)).tolist()
        padded = F.pad(patch, (x, SIZE - PATCH - x, y, SIZE - PATCH - y))
        mask = F.pad(torch.ones_like(patch), (x, SIZE - PATCH - x, y, SIZE - PATCH - y))
        out.append(image * (1 - mask) + padded * mask)
    return torch.stack(out)


for step in range(6):
    images = torch.rand(12, 1, SIZE, SIZE)
    logits = victim(paste(images, patch))
    loss = F.cross_entropy(logits, torch.full((12,), TARGET))
    variation = patch.diff(dim=1).abs().mean() + patch.diff(dim=2).abs().mean()
    optimizer.zero_grad()
    (loss + 0.1 * variation).backward()
    optimizer.step()
    patch.data.clamp_(0, 1)
    print(step, loss.item())
