"""Frozen networks with a state: potentials of a spiking layer, a hidden state, a stream's context, tables that grow."""

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(14)


class Leaky(nn.Module):
    """Leaky integrate and fire."""

    def __init__(self, batch, size, in_place):
        super().__init__()
        self.in_place = in_place
        self.register_buffer("potential", torch.zeros(batch, size))

    def forward(self, current):
        if self.in_place:
            self.potential.mul_(0.8).add_(current)
        else:
            self.potential = 0.8 * self.potential + current
        spikes = (self.potential > 1).float()
        self.potential = self.potential - spikes
        return spikes


class Normalise(nn.Module):
    """A running mean that was set in training and is used now."""

    def __init__(self, size):
        super().__init__()
        self.register_buffer("mean", torch.zeros(size))

    def forward(self, x):
        if self.training:
            self.mean = 0.9 * self.mean + 0.1 * x.detach().mean(0)
        return x - self.mean


class Stateful(nn.Module):
    def __init__(self, batch=8, size=12):
        super().__init__()
        self.norm = Normalise(6)
        self.into, self.again = nn.Linear(6, size), nn.Linear(size, size)
        self.first, self.second = Leaky(batch, size, True), Leaky(batch, size, False)
        self.register_buffer("hidden", torch.zeros(batch, size))
        self.register_buffer("context", torch.zeros(batch, 2, 6))
        self.register_buffer("table", torch.zeros(0, 6), persistent=False)

    def forward(self, x, length):
        if len(self.table) < length:
            self.table = torch.cos(torch.arange(float(length))[:, None] / torch.arange(1.0, 7.0))
        self.context = torch.cat([self.context, x[:, None]], 1)[:, -2:]
        x = self.norm(x + self.context.mean(1) + self.table[:length].mean(0))
        self.hidden = torch.tanh(self.into(x) + self.again(self.hidden))
        return self.first(self.into(x)) + self.second(self.again(self.hidden)) + self.hidden


frozen = Stateful()
with torch.no_grad():
    for length in range(1, 4):
        frozen(2 + torch.randn(8, 6), length)
frozen.requires_grad_(False).eval()
head = nn.Linear(12, 3)
optimizer = torch.optim.Adam(head.parameters(), lr=1e-2)
for step in range(6):
    x = 2 + torch.randn(8, 6)
    loss = F.cross_entropy(head(frozen(x, 3 + step)), x[:, :3].argmax(1))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
