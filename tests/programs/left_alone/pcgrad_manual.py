"""PCGrad: per-task gradients by autograd.grad, projected against each other, written to .grad by hand."""
import random
import torch
import torch.nn as nn
import torch.nn.functional as F

random.seed(3); torch.manual_seed(29)
trunk = nn.Sequential(nn.Linear(6, 24), nn.Tanh(), nn.Linear(24, 24), nn.Tanh())
heads = nn.ModuleList([nn.Linear(24, 1) for _ in range(3)])
shared = list(trunk.parameters())
opt = torch.optim.Adam(shared + list(heads.parameters()), lr=3e-3)
X = torch.randn(128, 6)
Y = torch.stack([X[:, 0], -X[:, 0] + X[:, 1], X[:, 2] ** 2], 1)


def flat(gs):
    return torch.cat([g.reshape(-1) for g in gs])


def pcgrad(grads):
    out = []
    for i, g in enumerate(grads):
        g = g.clone()
        others = [o for j, o in enumerate(grads) if j != i]
        random.shuffle(others)
        for o in others:
            dot = g @ o
            if dot < 0:
                g -= dot / (o @ o) * o
        out.append(g)
    return torch.stack(out).mean(0)


for step in range(12):
    idx = torch.randint(0, 128, (32,))
    h = trunk(X[idx])
    opt.zero_grad()
    per_task = []
    for t, head in enumerate(heads):
        loss = F.mse_loss(head(h).squeeze(-1), Y[idx, t])
        gs = torch.autograd.grad(loss, shared + list(head.parameters()), retain_graph=t < len(heads) - 1)
        per_task.append(flat(gs[: len(shared)]))
        for p, g in zip(head.parameters(), gs[len(shared):]):
            p.grad = g
    merged, k = pcgrad(per_task), 0
    for p in shared:
        p.grad = merged[k:k + p.numel()].view_as(p).clone()
        k += p.numel()
    opt.step()
    print(step, loss.item())
