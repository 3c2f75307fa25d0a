"""Snapshot ensemble: the rate falls to exactly zero at the end of each cycle, where a copy is kept, then restarts."""
import copy
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(34)
CYCLE, CYCLES, LR = 4, 2, 0.1

model = nn.Sequential(nn.Linear(6, 24), nn.BatchNorm1d(24), nn.ReLU(), nn.Dropout(0.1), nn.Linear(24, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=LR, momentum=0.9)
scheduler = torch.optim.lr_scheduler.LambdaLR(
    optimizer, lambda step: 0.5 * (1 + math.cos(math.pi * (step % CYCLE) / (CYCLE - 1)))
)
snapshots = []
for step in range(CYCLE * CYCLES):
    x = torch.randn(32, 6)
    y = x[:, :3].argmax(1)
    loss = F.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, round(scheduler.get_last_lr()[0], 4), loss.item())
    scheduler.step()
    if (step + 1) % CYCLE == 0:
        snapshots.append(copy.deepcopy(model).eval().requires_grad_(False))

x = torch.randn(64, 6)
with torch.no_grad():
    votes = torch.stack([s(x).softmax(1) for s in snapshots]).mean(0).argmax(1)
print("accuracy", (votes == x[:, :3].argmax(1)).float().mean().item())
