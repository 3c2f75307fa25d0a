"""Reptile (weights interpolated, inner model re-loaded), then ANIL (only the head adapted, body in the outer loop)."""
import copy
import torch
from torch import nn
import torch.nn.functional as F

torch.manual_seed(31)


def make_task():
    w = torch.randn(3, 1)
    return lambda n: (lambda x: (x, torch.tanh(x @ w)))(torch.randn(n, 3))


def reptile(outer_steps=5, inner_steps=4, eps=0.3):
    model = nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, 1))
    for it in range(outer_steps):
        before = copy.deepcopy(model.state_dict())
        inner = torch.optim.SGD(model.parameters(), lr=0.05)
        draw = make_task()
        for _ in range(inner_steps):
            x, y = draw(20)
            inner.zero_grad()
            loss = F.mse_loss(model(x), y)
            loss.backward()
            inner.step()
        after = model.state_dict()
        model.load_state_dict({k: before[k] + eps * (after[k] - before[k]) for k in before})
        print("reptile", it, loss.item())


def anil(outer_steps=8):
    body = nn.Sequential(nn.Linear(3, 16), nn.Tanh())
    head = nn.Linear(16, 1)
    opt = torch.optim.Adam([*body.parameters(), *head.parameters()], lr=5e-3)
    for it in range(outer_steps):
        opt.zero_grad()
        total = 0.0
        for _ in range(3):
            draw = make_task()
            (xs, ys), (xq, yq) = draw(10), draw(10)
            W, b = head.weight, head.bias
            for _ in range(2):
                inner = F.mse_loss(F.linear(body(xs), W, b), ys)
                gW, gb = torch.autograd.grad(inner, (W, b), create_graph=True)
                W, b = W - 0.1 * gW, b - 0.1 * gb
            loss = F.mse_loss(F.linear(body(xq), W, b), yq) / 3
            loss.backward()
            total += loss.item()
        opt.step()
        print("anil", it, total)


reptile()
anil()
