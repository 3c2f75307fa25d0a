# options: --guard --steps 3 --frozen base --frozen encoder
import copy

import torch
from torch import nn

torch.manual_seed(120)
encoder = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8)).requires_grad_(False).eval()
base = nn.Linear(8, 8).requires_grad_(False)
down, up = nn.Linear(8, 2, bias=False), nn.Linear(2, 8, bias=False)
nn.init.zeros_(up.weight)
optimizer = torch.optim.AdamW([*down.parameters(), *up.parameters()], lr=0.02)
x, y = torch.randn(32, 6), torch.randn(32, 8)
best, kept = float("inf"), {}

for step in range(25):
    hidden = encoder(x)
    loss = nn.functional.mse_loss(base(hidden) + up(down(hidden)), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if loss.item() < best:
        best, kept = loss.item(), copy.deepcopy({"base": base.state_dict(), "encoder": encoder.state_dict()})

# the best weights come back, the adapter is merged into the base, and all is made small
base.load_state_dict(kept["base"])
encoder.load_state_dict(kept["encoder"])
with torch.no_grad():
    base.weight += up.weight @ down.weight
encoder.half()
print(best)
