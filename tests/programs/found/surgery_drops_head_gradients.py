# expect: blockage *heads.*
import torch
import torch.nn as nn
import torch.nn.functional as F


class MGDA:
    """two tasks, gradients of the shared trunk are de-conflicted"""

    def __init__(self):
        self.trunk = nn.Sequential(nn.Linear(8, 24), nn.ReLU(), nn.Linear(24, 16), nn.ReLU())
        self.heads = nn.ModuleList([nn.Linear(16, 1), nn.Linear(16, 1)])
        self.opt = torch.optim.SGD([*self.trunk.parameters(), *self.heads.parameters()], lr=0.05)

    def flat(self, grads):
        return torch.cat([g.flatten() for g in grads])

    def step(self, x, targets):
        shared = list(self.trunk.parameters())
        h = self.trunk(x)
        losses = [F.mse_loss(head(h), t) for head, t in zip(self.heads, targets)]
        self.opt.zero_grad()
        g = [self.flat(torch.autograd.grad(l, shared, retain_graph=True)) for l in losses]  # <- blame
        dot = g[0] @ g[1]
        if dot < 0:
            g = [g[0] - dot / g[1].pow(2).sum() * g[1], g[1] - dot / g[0].pow(2).sum() * g[0]]
        merged, i = g[0] + g[1], 0
        for p in shared:
            p.grad = merged[i:i + p.numel()].view_as(p)
            i += p.numel()
        self.opt.step()
        return [l.item() for l in losses]


torch.manual_seed(108)
mgda = MGDA()
for it in range(6):
    x = torch.randn(32, 8)
    print(it, mgda.step(x, [x[:, :1] * 2, -x[:, :1] + x[:, 1:2]]))
