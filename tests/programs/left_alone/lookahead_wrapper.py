"""Lookahead wrapper around Adam: slow weights pulled every k steps, then Polyak tail averaging."""
import torch
import torch.nn as nn


class Lookahead:
    def __init__(self, inner, k=3, alpha=0.5):
        self.inner, self.k, self.alpha = inner, k, alpha
        self.slow = [[p.detach().clone() for p in g["params"]] for g in inner.param_groups]
        self.t = 0

    def zero_grad(self):
        self.inner.zero_grad(set_to_none=True)

    @torch.no_grad()
    def step(self):
        self.inner.step()
        self.t += 1
        if self.t % self.k:
            return
        for group, slow in zip(self.inner.param_groups, self.slow):
            for p, s in zip(group["params"], slow):
                s += self.alpha * (p - s)
                p.copy_(s)


def train():
    torch.manual_seed(8)
    net = nn.Sequential(nn.Linear(5, 20), nn.Softplus(), nn.Linear(20, 1))
    opt = Lookahead(torch.optim.Adam(net.parameters(), lr=1e-2))
    x = torch.rand(200, 5)
    y = (x ** 2).sum(1, keepdim=True)
    tail, n = None, 0
    for step in range(15):
        i = torch.randint(0, 200, (40,))
        loss = (net(x[i]) - y[i]).abs().mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        if step >= 10:
            flat = nn.utils.parameters_to_vector(net.parameters()).detach()
            n += 1
            tail = flat.clone() if tail is None else tail + (flat - tail) / n
        print(step, loss.item())
    nn.utils.vector_to_parameters(tail, net.parameters())
    with torch.no_grad():
        print("polyak", (net(x) - y).abs().mean().item())


train()
