"""Stochastic depth (whole blocks skipped at random in training), early stopping, best checkpoint restored."""
import copy
import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, d, p):
        super().__init__()
        self.p = p
        self.f = nn.Sequential(nn.LayerNorm(d), nn.Linear(d, 2 * d), nn.GELU(), nn.Linear(2 * d, d))

    def forward(self, x):
        if self.training and torch.rand(()) < self.p:
            return x
        scale = 1.0 if self.training else 1 - self.p
        return x + scale * self.f(x)


class Net(nn.Module):
    def __init__(self, d=16, depth=5):
        super().__init__()
        self.inp = nn.Linear(7, d)
        self.blocks = nn.ModuleList(Block(d, 0.5 * i / (depth - 1)) for i in range(depth))
        self.out = nn.Linear(d, 1)

    def forward(self, x):
        x = self.inp(x)
        for b in self.blocks:
            x = b(x)
        return self.out(x)


torch.manual_seed(53)
X = torch.randn(220, 7); Y = X[:, :1] * X[:, 1:2]
xt, yt, xv, yv = X[:180], Y[:180], X[180:], Y[180:]
net = Net()
opt = torch.optim.RAdam(net.parameters(), lr=3e-3)
best, best_state, patience = float("inf"), None, 2
for epoch in range(6):
    net.train()
    for i in torch.randperm(180).split(45):
        loss = nn.functional.mse_loss(net(xt[i]), yt[i])
        opt.zero_grad(); loss.backward(); opt.step()
    net.eval()
    with torch.no_grad():
        val = nn.functional.mse_loss(net(xv), yv).item()
    print(epoch, loss.item(), val)
    if val < best:
        best, best_state, patience = val, copy.deepcopy(net.state_dict()), 2
    else:
        patience -= 1
        if patience == 0:
            break
net.load_state_dict(best_state)
print("best", best)
