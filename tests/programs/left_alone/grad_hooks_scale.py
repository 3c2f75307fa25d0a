"""Hooks: trunk gradients scaled by 0.1, only the new vocabulary rows of the embedding learn (no decay, no momentum)."""
import torch
from torch import nn
import torch.nn.functional as F

torch.manual_seed(56)
OLD, NEW, D = 30, 4, 16
emb = nn.Embedding(OLD + NEW, D)
trunk = nn.Sequential(nn.Linear(D, 32), nn.ReLU())
head = nn.Linear(32, 2)
mask = torch.zeros(OLD + NEW, 1); mask[OLD:] = 1.0
emb.weight.register_hook(lambda g: g * mask)
for p in trunk.parameters():
    p.register_hook(lambda g: 0.1 * g)

opt = torch.optim.SGD([
    {"params": [emb.weight], "weight_decay": 0.0, "momentum": 0.0},
    {"params": [*trunk.parameters(), *head.parameters()], "weight_decay": 1e-4, "momentum": 0.9},
], lr=0.1)
ids = torch.randint(0, OLD + NEW, (100, 6))
lab = (ids >= OLD).any(1).long()
before = emb.weight[:OLD].detach().clone()
for step in range(12):
    i = torch.randint(0, 100, (25,))
    loss = F.cross_entropy(head(trunk(emb(ids[i])).mean(1)), lab[i])
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(step, loss.item())
assert torch.equal(before, emb.weight[:OLD])
