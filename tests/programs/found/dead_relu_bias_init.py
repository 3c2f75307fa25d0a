# expect: blockage *density.*
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(72)


class TinyNeRF(nn.Module):
    def __init__(self, n_freq=4, h=32):
        super().__init__()
        self.register_buffer("freq", 2.0 ** torch.arange(n_freq))
        self.density = nn.Sequential(nn.Linear(6 * n_freq, h), nn.ReLU(), nn.Linear(h, 1, bias=False))
        self.color = nn.Sequential(nn.Linear(6 * n_freq, h), nn.ReLU(), nn.Linear(h, 3))
        nn.init.constant_(self.density[0].bias, -30.0)  # <- blame

    def encode(self, p):
        a = p.unsqueeze(-1) * self.freq
        return torch.cat([a.sin(), a.cos()], -1).flatten(-2)

    def forward(self, p):
        e = self.encode(p)
        return F.softplus(self.density(e)).squeeze(-1), torch.sigmoid(self.color(e))


def render(model, o, d, n=12):
    t = torch.linspace(0, 2, n)
    sigma, rgb = model(o[:, None] + d[:, None] * t[:, None])
    alpha = 1 - torch.exp(-sigma * 2 / n)
    trans = torch.cumprod(torch.cat([torch.ones(len(o), 1), 1 - alpha[:, :-1]], 1), 1)
    return ((alpha * trans).unsqueeze(-1) * rgb).sum(1)


model = TinyNeRF()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for it in range(6):
    o, d = torch.randn(32, 3) * 0.1, F.normalize(torch.randn(32, 3), dim=1)
    gt = d * 0.4 + 0.5
    loss = F.mse_loss(render(model, o, d), gt)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(it, loss.item())
