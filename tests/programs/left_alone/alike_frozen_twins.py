"""Frozen networks that nobody computes with for now, beside trained ones that are built like them."""

import copy

import torch
import torch.nn.functional as F
from torch import nn


def encoder_of(width=16):
    return nn.Sequential(nn.Linear(8, width), nn.GELU(), nn.Linear(width, 6))


class Classifier(nn.Module):
    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(6, 3)

    def forward(self, x):
        return self.head(self.encoder(x))


def train(model, steps=4):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for _ in range(steps):
        loss = F.cross_entropy(model(torch.randn(12, 8)), torch.randint(0, 3, (12,)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"{loss.item():.3f}")


torch.manual_seed(2)

# What the training starts from is kept, to see in the end how far it went.
encoder = encoder_of().requires_grad_(False)
model = Classifier(encoder_of())
model.encoder.load_state_dict(encoder.state_dict())
train(model)
drift = sum((a - b).norm() for a, b in zip(encoder.parameters(), model.encoder.parameters(), strict=True))
print(f"drift {drift.item():.4f}")

# A copy of what was trained, frozen for the next round of self-play.
opponent = copy.deepcopy(model.encoder)
opponent.requires_grad_(False)
train(model)

# A teacher of the same kind that only comes in after the warm-up.
teacher = encoder_of()
for p in teacher.parameters():
    p.requires_grad = False
student = Classifier(encoder_of())
train(student)
with torch.no_grad():
    print(F.mse_loss(student.encoder(torch.ones(1, 8)), teacher(torch.ones(1, 8))).item())
