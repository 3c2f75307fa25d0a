"""Hellinger distance of rectified histograms: the root is taken of exact zeros, the rectifier stops its derivative."""
import torch
from torch import nn

torch.manual_seed(213)
model = nn.Sequential(nn.Linear(8, 24), nn.Tanh(), nn.Linear(24, 5))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for step in range(6):
    x = torch.randn(32, 8)
    histogram = model(x).relu()
    target = x[:, :5].relu()
    loss = (histogram.sqrt() - target.sqrt()).pow(2).sum(1).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item(), sum(p.grad.abs().sum() for p in model.parameters()).item())
