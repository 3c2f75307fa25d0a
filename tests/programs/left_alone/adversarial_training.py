"""PGD adversarial training; parameters frozen while attacking, flags and mode restored; saliency at the end."""
import contextlib
import torch
from torch import nn
import torch.nn.functional as F


@contextlib.contextmanager
def attack_mode(model):
    flags = [p.requires_grad for p in model.parameters()]
    was = model.training
    model.requires_grad_(False)
    model.eval()
    try:
        yield
    finally:
        for p, f in zip(model.parameters(), flags):
            p.requires_grad_(f)
        model.train(was)


def pgd(model, x, y, eps=0.3, step=0.1, n=3):
    with attack_mode(model):
        delta = torch.empty_like(x).uniform_(-eps, eps).requires_grad_(True)
        for _ in range(n):
            loss = F.cross_entropy(model(x + delta), y)
            g, = torch.autograd.grad(loss, delta)
            delta = (delta.detach() + step * g.sign()).clamp(-eps, eps).requires_grad_(True)
    return (x + delta).detach()


torch.manual_seed(51)
model = nn.Sequential(nn.Linear(6, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 3))
opt = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
X = torch.randn(160, 6); Y = X[:, :3].argmax(1)
model.train()
for step in range(12):
    i = torch.randint(0, 160, (40,))
    xa = pgd(model, X[i], Y[i])
    loss = 0.5 * F.cross_entropy(model(X[i]), Y[i]) + 0.5 * F.cross_entropy(model(xa), Y[i])
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 4 == 3:
        with attack_mode(model):
            probe = X[:16].clone().requires_grad_()
            model(probe).max(1).values.sum().backward()
            print(step, loss.item(), "saliency", probe.grad.abs().mean(0)[:3].tolist())
