import torch
import torch.nn as nn

torch.manual_seed(0)


class Coupling(nn.Module):
    def __init__(self, mask, hidden=32):
        super().__init__()
        self.register_buffer("mask", mask)
        self.s = nn.Sequential(nn.Linear(2, hidden), nn.LeakyReLU(), nn.Linear(hidden, 2), nn.Tanh())
        self.t = nn.Sequential(nn.Linear(2, hidden), nn.LeakyReLU(), nn.Linear(hidden, 2))

    def inverse(self, x):
        fixed = x * self.mask
        s = self.s(fixed) * (1 - self.mask)
        t = self.t(fixed) * (1 - self.mask)
        return fixed + (1 - self.mask) * (x - t) * torch.exp(-s), -s.sum(dim=1)

    def forward(self, z):
        fixed = z * self.mask
        s = self.s(fixed) * (1 - self.mask)
        t = self.t(fixed) * (1 - self.mask)
        return fixed + (1 - self.mask) * (z * torch.exp(s) + t)


class RealNVP(nn.Module):
    def __init__(self, layers=4):
        super().__init__()
        masks = torch.tensor([[0.0, 1.0], [1.0, 0.0]]).repeat(layers // 2, 1)
        self.layers = nn.ModuleList(Coupling(m) for m in masks)
        self.register_buffer("loc", torch.zeros(2))
        self.register_buffer("scale", torch.ones(2))

    def log_prob(self, x):
        log_det = torch.zeros(len(x))
        for layer in reversed(self.layers):
            x, ld = layer.inverse(x)
            log_det = log_det + ld
        return torch.distributions.Normal(self.loc, self.scale).log_prob(x).sum(dim=1) + log_det

    @torch.no_grad()
    def sample(self, n):
        z = torch.normal(self.loc.expand(n, 2), self.scale.expand(n, 2))
        for layer in self.layers:
            z = layer(z)
        return z


flow = RealNVP()
optimizer = torch.optim.Adam(flow.parameters(), lr=1e-3)
for step in range(6):
    angle = torch.rand(128) * torch.pi
    x = torch.stack([angle.cos(), angle.sin()], dim=1) + 0.05 * torch.randn(128, 2)
    loss = -flow.log_prob(x).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"{step}: nll {loss.item():.4f}, sample mean {flow.sample(64).mean(0).tolist()}")
