"""A survival model: missing covariates, times of zero and empty risk sets are kept away from roots, logarithms and quotients."""
import torch
import torch.nn as nn

torch.manual_seed(254)
model = nn.Sequential(nn.Linear(6, 24), nn.Tanh(), nn.Linear(24, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)


def batch(n=40):
    x = torch.randn(n, 6)
    x[torch.rand(n, 6) < 0.2] = float("nan")
    time = (torch.rand(n) - 0.2).clamp_min(0.0)
    event = torch.rand(n) < 0.6
    return x, time, event


for step in range(6):
    x, time, event = batch()
    there = ~torch.isnan(x)
    x = torch.where(there, x, torch.zeros_like(x))
    shape, rate = nn.functional.softplus(model(x)).unbind(1)
    positive = time > 0
    safe = torch.where(positive, time * rate, torch.ones_like(time))
    log_hazard = shape.log() + (shape - 1) * torch.log(safe)
    hazard = torch.where(positive, safe.pow(shape), torch.zeros_like(safe))
    deviation = (shape - shape.mean()).pow(2).sum().sqrt()
    at_risk = (time.unsqueeze(0) >= time.unsqueeze(1)).float()
    share = (at_risk * rate).sum(1) / (at_risk.sum(1) + 1)
    loss = (hazard - event * log_hazard).mean() + 0.01 * deviation + 0.01 * share.mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
