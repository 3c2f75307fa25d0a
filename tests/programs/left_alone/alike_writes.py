"""Tensors that the program writes by itself, outside every step, as it should."""

import copy

import torch
import torch.nn.functional as F
from torch import nn


class Ema:
    def __init__(self, model, decay=0.9):
        self.module = copy.deepcopy(model).requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, model):
        for average, value in zip(self.module.parameters(), model.parameters(), strict=True):
            average.copy_(self.decay * average + (1 - self.decay) * value)


class Counted(nn.Module):
    """Counts its calls in a parameter that takes no gradient, and keeps a range that only grows."""

    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)
        self.calls = nn.Parameter(torch.zeros(()), requires_grad=False)
        self.register_buffer("highest", torch.zeros(()))

    def forward(self, x):
        if self.training:
            self.calls.add_(1)
            self.highest.copy_(torch.maximum(self.highest, x.detach().abs().max()))
        return self.linear(x)


def hand_made_decay(parameters, rate=1e-3):
    with torch.no_grad():
        for p in parameters:
            p.add_(p, alpha=-rate)


torch.manual_seed(5)
words = nn.Embedding(20, 6, max_norm=1.0)
model = nn.Sequential(Counted(6), nn.Tanh(), nn.Linear(6, 2))
momentum_model = copy.deepcopy(model).requires_grad_(False)
ema = Ema(model)
old_policy = copy.deepcopy(model).requires_grad_(False)
scale = nn.Linear(6, 6).requires_grad_(False)
scale.weight.clamp_(-0.1, 0.1)
optimizer = torch.optim.SGD([*words.parameters(), *model.parameters()], lr=0.1)
for step in range(6):
    if step % 3 == 0:
        old_policy.load_state_dict(model.state_dict())
    x = scale(words(torch.randint(0, 20, (8, 3))).mean(dim=1))
    with torch.no_grad():
        before, slow = old_policy(x), momentum_model(x)
    logits = model(x)
    loss = F.cross_entropy(logits, torch.randint(0, 2, (8,))) + F.mse_loss(logits, before) + F.mse_loss(logits, slow)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    hand_made_decay(model[2].parameters())
    with torch.no_grad():
        for p, q in zip(momentum_model.parameters(), model.parameters(), strict=True):
            p.mul_(0.9).add_(q, alpha=0.1)
    ema.update(model)
    print(f"step {step} loss {loss.item():.4f}")
