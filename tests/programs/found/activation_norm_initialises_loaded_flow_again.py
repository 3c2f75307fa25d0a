"""A trained, frozen flow serves as the prior of a denoiser (plug-and-play)."""
# expect: leak prior.*norm*
import io

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(101)
DIM = 6


class ActNorm(nn.Module):
    """Per-channel affine map, initialised so that the first batch comes out normalised."""

    def __init__(self, dim):
        super().__init__()
        self.loc = nn.Parameter(torch.zeros(dim))
        self.log_scale = nn.Parameter(torch.zeros(dim))
        self.initialised = False

    def initialise(self, x):
        with torch.no_grad():
            self.loc.data.copy_(-x.mean(0))  # <- blame
            self.log_scale.data.copy_(-torch.log(x.std(0) + 1e-6))  # <- blame

    def forward(self, x):
        if not self.initialised:
            self.initialise(x)  # <- blame
            self.initialised = True
        return (x + self.loc) * self.log_scale.exp(), self.log_scale.sum()


class Coupling(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.norm = ActNorm(dim)
        self.net = nn.Sequential(nn.Linear(dim // 2, 16), nn.Tanh(), nn.Linear(16, dim))

    def forward(self, x):
        x, log_det = self.norm(x)
        a, b = x.chunk(2, 1)
        s, t = self.net(a).chunk(2, 1)
        s = torch.tanh(s)
        return torch.cat([b * s.exp() + t, a], 1), log_det + s.sum(1)


class Flow(nn.Module):
    def __init__(self):
        super().__init__()
        self.steps = nn.ModuleList(Coupling(DIM) for _ in range(2))

    def log_prob(self, x):
        total = 0.0
        for step in self.steps:
            x, log_det = step(x)
            total = total + log_det
        return total - 0.5 * x.pow(2).sum(1)


def trained_checkpoint():
    flow = Flow()
    with torch.no_grad():
        flow.log_prob(2 + 3 * torch.randn(128, DIM))
    file = io.BytesIO()
    torch.save(flow.state_dict(), file)
    file.seek(0)
    return file


prior = Flow()
prior.load_state_dict(torch.load(trained_checkpoint()))
prior.requires_grad_(False)
prior.eval()

denoiser = nn.Sequential(nn.Linear(DIM, 24), nn.ReLU(), nn.Linear(24, DIM))
optimizer = torch.optim.Adam(denoiser.parameters(), lr=1e-3)
for step in range(5):
    clean = 2 + 3 * torch.randn(32, DIM)
    noisy = clean + torch.randn_like(clean)
    estimate = noisy + denoiser(noisy)
    loss = F.mse_loss(estimate, noisy) - 0.05 * prior.log_prob(estimate).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
