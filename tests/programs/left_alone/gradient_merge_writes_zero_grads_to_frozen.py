import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(47)
stem = nn.Sequential(nn.Linear(10, 24), nn.ReLU())
stem.requires_grad_(False)
trunk = nn.Sequential(nn.Linear(24, 24), nn.ReLU(), nn.Linear(24, 12))
params = list(trunk.parameters())
optimizer = torch.optim.AdamW(params, lr=2e-3, weight_decay=0.1)


def task_grads(loss, retain):
    optimizer.zero_grad()
    loss.backward(retain_graph=retain)
    return torch.cat([(p.grad if p.grad is not None else torch.zeros_like(p)).flatten() for p in params])


def pcgrad(g1, g2):
    dot = g1 @ g2
    if dot < 0:
        g1, g2 = g1 - dot / (g2 @ g2) * g2, g2 - dot / (g1 @ g1) * g1
    return g1 + g2


def write_grads(flat):
    i = 0
    for p in params:
        p.grad = flat[i:i + p.numel()].view_as(p).clone()
        i += p.numel()


for step in range(6):
    x = torch.randn(32, 10)
    h = trunk(stem(x))
    loss_a = F.mse_loss(h[:, :6], x[:, :6])
    loss_b = F.mse_loss(h[:, 6:].sum(1), -x.sum(1))
    g1 = task_grads(loss_a, True)
    g2 = task_grads(loss_b, False)
    write_grads(pcgrad(g1, g2))
    optimizer.step()
    print(step, loss_a.item(), loss_b.item())
