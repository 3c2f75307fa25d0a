"""Second-order MAML on sinusoids with functional_call and create_graph."""
import torch
import torch.nn as nn
from torch.func import functional_call

torch.manual_seed(30)
net = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))
meta_opt = torch.optim.Adam(net.parameters(), lr=2e-3)


def task():
    amp, ph = torch.rand(2)
    def draw(n):
        x = torch.rand(n, 1) * 10 - 5
        return x, (0.5 + amp) * torch.sin(x + 3 * ph)
    return draw


def adapt(params, x, y, steps=2, lr=0.02):
    for _ in range(steps):
        loss = nn.functional.mse_loss(functional_call(net, params, (x,)), y)
        grads = torch.autograd.grad(loss, list(params.values()), create_graph=True)
        params = {k: p - lr * g for (k, p), g in zip(params.items(), grads)}
    return params


for it in range(10):
    meta_loss = 0.0
    for _ in range(4):
        draw = task()
        fast = adapt(dict(net.named_parameters()), *draw(10))
        xq, yq = draw(10)
        meta_loss = meta_loss + nn.functional.mse_loss(functional_call(net, fast, (xq,)), yq)
    meta_loss = meta_loss / 4
    meta_opt.zero_grad()
    meta_loss.backward()
    meta_opt.step()
    print(it, meta_loss.item())
