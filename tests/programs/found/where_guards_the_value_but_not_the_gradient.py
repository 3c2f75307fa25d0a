"""Poisson regression of counts with exposure; cells without exposure are skipped by torch.where."""
# expect: blockage model.*
import torch
import torch.nn as nn

torch.manual_seed(152)


class RateModel(nn.Module):
    """Expected count = exposure * exp(linear predictor); it is zero where nobody was exposed."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Linear(5, 24), nn.Tanh())
        self.rate = nn.Linear(24, 1)

    def forward(self, x, exposure):
        return exposure * torch.exp(self.rate(self.features(x))).squeeze(-1)


def poisson_nll(rate, count):
    log_rate = torch.where(rate > 0, torch.log(rate), torch.zeros_like(rate))  # <- blame
    return (rate - count * log_rate).mean()


def counts(n):
    x = torch.randn(n, 5)
    exposure = torch.randint(0, 4, (n,)).float()
    return x, exposure, torch.poisson(exposure * torch.exp(0.5 * x[:, 0]))


model = RateModel()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for step in range(5):
    x, exposure, count = counts(48)
    loss = poisson_nll(model(x, exposure), count)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
