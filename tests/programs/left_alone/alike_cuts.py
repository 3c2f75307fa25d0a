"""Parameters made of computed numbers, switches and lookups that lose nothing that should learn."""

import torch
import torch.nn.functional as F
from torch import nn


class Whitened(nn.Module):
    """Starts from the statistics of what a pretrained encoder gives."""

    def __init__(self, encoder, x):
        super().__init__()
        self.encoder = encoder
        features = encoder(x)
        self.shift = nn.Parameter(features.mean(dim=0).detach())
        self.scale = nn.Parameter(features.std(dim=0))
        self.register_buffer("gain", torch.ones(features.shape[1]))
        self.hidden = None

    def forward(self, x):
        self.hidden = (self.encoder(x) - self.shift) * self.scale * self.gain
        return self.hidden


class Recurrent(nn.Module):
    """Keeps its last state, which still carries gradient, as an attribute."""

    def __init__(self, inputs, width):
        super().__init__()
        self.cell = nn.GRUCell(inputs, width)
        self.state = torch.zeros(1, width)
        self.cached = self.cell.bias_ih.double()

    def forward(self, x):
        self.state = self.cell(x, self.state.detach().expand(len(x), -1))
        return self.state


def adversarial(model, x, y, size=0.05):
    """An attack on a frozen network, which is switched back afterwards."""
    model.eval()
    model.requires_grad_(False)
    delta = torch.zeros_like(x).requires_grad_()
    F.cross_entropy(model(x + delta), y).backward()
    model.requires_grad_(True)
    model.train()
    return x + size * delta.grad.sign()


def features_with_gaps(count):
    """Categorical features of which 0 says that one is missing, in any column."""
    table = torch.randint(0, 6, (count, 4))
    table[torch.rand(count, 4) < 0.2] = 0
    return table


torch.manual_seed(11)
encoder = nn.Sequential(nn.Linear(5, 8), nn.ReLU())
model = nn.Sequential(Whitened(encoder, torch.randn(64, 5)), Recurrent(8, 6), nn.Linear(6, 3))
categories = nn.Embedding(6, 5, padding_idx=0)
warm_up = nn.Linear(5, 5)
optimizer = torch.optim.Adam([*model.parameters(), *categories.parameters(), *warm_up.parameters()], lr=1e-3)
for step in range(6):
    if step == 3:
        warm_up.requires_grad_(False)  # from here on it stays
    x = warm_up(torch.randn(16, 5)) + categories(features_with_gaps(16)).sum(dim=1)
    y = torch.randint(0, 3, (16,))
    attacked = adversarial(model, x.detach(), y)
    loss = F.cross_entropy(model(x), y) + F.cross_entropy(model(attacked), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    best = loss.detach().clone().requires_grad_(False)
    print(f"step {step} loss {best.item():.4f}")
