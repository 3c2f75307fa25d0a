"""Lottery ticket: train, prune by magnitude, rewind, retrain with masks on gradients and after each step."""
import copy
import torch
from torch import nn
import torch.nn.functional as F


def build():
    return nn.Sequential(nn.Linear(8, 40), nn.ReLU(), nn.Linear(40, 3))


def apply_mask(model, masks):
    with torch.no_grad():
        for n, p in model.named_parameters():
            if n in masks:
                p.mul_(masks[n])


def fit(model, data, steps, masks=None):
    opt = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    x, y = data
    for _ in range(steps):
        i = torch.randint(0, len(x), (32,))
        loss = F.cross_entropy(model(x[i]), y[i])
        opt.zero_grad()
        loss.backward()
        if masks:
            for n, p in model.named_parameters():
                if n in masks:
                    p.grad.mul_(masks[n])
        opt.step()
        if masks:
            apply_mask(model, masks)
    return loss.item()


def prune(model, frac):
    out = {}
    for n, p in model.named_parameters():
        if p.dim() > 1:
            k = int(frac * p.numel())
            out[n] = (p.detach().abs() > p.detach().abs().flatten().kthvalue(k).values).float()
    return out


torch.manual_seed(49)
x = torch.randn(200, 8)
data = (x, x[:, :3].argmax(1))
net = build()
init = copy.deepcopy(net.state_dict())
print("dense", fit(net, data, 20))
for rnd, frac in enumerate((0.3, 0.6)):
    masks = prune(net, frac)
    net.load_state_dict(init)
    apply_mask(net, masks)
    print("ticket", rnd, frac, fit(net, data, 15, masks), {n: m.mean().item() for n, m in masks.items()})
