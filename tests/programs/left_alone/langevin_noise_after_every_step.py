"""Stochastic gradient Langevin dynamics: noise is added to the weights after each step; the prior's scale is fixed."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(10)


class BayesianNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))
        self.register_buffer("prior_std", torch.tensor(1.0))

    def forward(self, x):
        return self.body(x)

    def neg_log_prior(self):
        return sum((p**2).sum() for p in self.body.parameters()) / (2 * self.prior_std**2)


N = 64
x = torch.rand(N, 1) * 4 - 2
y = torch.sin(2 * x) + 0.1 * torch.randn(N, 1)
net = BayesianNet()
lr = 1e-5
optimizer = torch.optim.SGD(net.parameters(), lr=lr)
samples = []
for step in range(8):
    pick = torch.randperm(N)[:16]
    nll = F.mse_loss(net(x[pick]), y[pick], reduction="sum") / (2 * 0.1**2) * (N / 16)
    loss = nll + net.neg_log_prior()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    with torch.no_grad():
        for p in net.parameters():
            p.add_(torch.randn_like(p) * math.sqrt(2 * lr))
    if step >= 4:
        samples.append({k: v.clone() for k, v in net.state_dict().items()})
    print(step, loss.item())

kept = net.state_dict()
predictions = []
with torch.no_grad():
    for s in samples:
        net.load_state_dict(s)
        predictions.append(net(x))
net.load_state_dict(kept)
print("spread", torch.stack(predictions).std(0).mean().item())
