"""One-backward adversarial training by a gradient reversal Function (DANN), lambda ramping from zero."""
import math
import torch
from torch import nn
from torch.autograd import Function
import torch.nn.functional as F


class GRL(Function):
    @staticmethod
    def forward(ctx, x, lam):
        ctx.lam = lam
        return x.view_as(x)

    @staticmethod
    def backward(ctx, g):
        return g.neg() * ctx.lam, None


class DANN(nn.Module):
    def __init__(self):
        super().__init__()
        self.feat = nn.Sequential(nn.Linear(8, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU())
        self.label = nn.Linear(32, 3)
        self.domain = nn.Sequential(nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 1))

    def forward(self, x, lam):
        f = self.feat(x)
        return self.label(f), self.domain(GRL.apply(f, lam)).squeeze(-1)


def train():
    torch.manual_seed(25)
    m = DANN()
    opt = torch.optim.SGD(m.parameters(), lr=0.05, momentum=0.9)
    src = torch.randn(120, 8); lab = src[:, :3].argmax(1)
    tgt = torch.randn(120, 8) + 0.7
    n = 16
    for k in range(n):
        lam = 2 / (1 + math.exp(-10 * k / n)) - 1
        i, j = torch.randint(0, 120, (2, 32))
        ys, ds = m(src[i], lam)
        _, dt = m(tgt[j], lam)
        dom = F.binary_cross_entropy_with_logits(torch.cat([ds, dt]), torch.cat([torch.zeros(32), torch.ones(32)]))
        loss = F.cross_entropy(ys, lab[i]) + dom
        opt.zero_grad()
        loss.backward()
        opt.step()
        if k % 5 == 0:
            print(k, round(lam, 3), loss.item(), dom.item())


train()
