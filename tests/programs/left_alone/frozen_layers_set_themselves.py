"""Frozen layers that write into their own parameters and may: from the first batch, or a projection of themselves."""

import io

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(13)


class Standardise(nn.Module):
    """Never trained: set from the first batch that comes."""

    def __init__(self, dim):
        super().__init__()
        self.shift, self.scale = nn.Parameter(torch.zeros(dim)), nn.Parameter(torch.ones(dim))
        self.register_buffer("ready", torch.tensor(False))

    def forward(self, x):
        if not self.ready:
            with torch.no_grad():
                self.shift.copy_(-x.mean(0))
                self.scale.copy_(1 / (x.std(0) + 1e-5))
                self.ready.fill_(True)
        return (x + self.shift) * self.scale


class Prototypes(nn.Module):
    """Rows are kept at length one."""

    def __init__(self, dim, size):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(size, dim))

    def forward(self, z):
        self.weight.data.copy_(F.normalize(self.weight.data, dim=1))
        return F.normalize(z, dim=1) @ self.weight.t()


def loaded(module):
    file = io.BytesIO()
    torch.save(type(module)(8, 5).state_dict(), file)
    file.seek(0)
    module.load_state_dict(torch.load(file))
    return module


features = nn.Sequential(Standardise(6), nn.Linear(6, 8), nn.Tanh(), Standardise(8)).requires_grad_(False)
prototypes = loaded(Prototypes(8, 5)).requires_grad_(False)
adapter = nn.Sequential(nn.Linear(6, 6), nn.Tanh())
optimizer = torch.optim.Adam(adapter.parameters(), lr=1e-2)
for step in range(5):
    x = 2 + 3 * torch.randn(32, 6)
    y = (x[:, :5]).argmax(1)
    out = features(x + adapter(x))
    loss = F.cross_entropy(prototypes(out) / 0.1, y) + 1e-3 * features[0].scale.log().sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
