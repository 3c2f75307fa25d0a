"""Physics-informed network for u'' = -sin(x), u(0) = u(pi) = 0, fitted with L-BFGS."""

import math

import torch
import torch.nn as nn

torch.manual_seed(1234)

net = nn.Sequential(nn.Linear(1, 20), nn.Tanh(), nn.Linear(20, 20), nn.Tanh(), nn.Linear(20, 1))
x = torch.linspace(0, math.pi, 40).unsqueeze(1).requires_grad_(True)
edges = torch.tensor([[0.0], [math.pi]])
optimizer = torch.optim.LBFGS(net.parameters(), lr=1.0, max_iter=5, line_search_fn="strong_wolfe")


def residual():
    u = net(x)
    (du,) = torch.autograd.grad(u, x, torch.ones_like(u), create_graph=True)
    (ddu,) = torch.autograd.grad(du, x, torch.ones_like(du), create_graph=True)
    return ddu + torch.sin(x)


def closure():
    optimizer.zero_grad()
    loss = residual().pow(2).mean() + net(edges).pow(2).mean()
    loss.backward(inputs=list(net.parameters()))
    return loss


for step in range(4):
    loss = optimizer.step(closure)
    print(f"step {step}: loss {loss.item():.5f}")

with torch.no_grad():
    error = (net(x) - torch.sin(x)).abs().max()
print(f"largest error {error.item():.4f}")
