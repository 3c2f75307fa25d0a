import torch
from torch import nn
import torch.nn.functional as F
torch.manual_seed(6)
trunk = nn.Linear(6, 16)
heads = nn.ModuleList(nn.Linear(16, 2) for _ in range(3))
opt = torch.optim.SGD([*trunk.parameters(), *heads.parameters()], lr=0.05)
for step in range(5):
    x = torch.randn(20, 6)
    ys = [(x[:, i] > 0).long() for i in range(3)]
    h = torch.relu(trunk(x))
    losses = [F.cross_entropy(head(h), y) for head, y in zip(heads, ys)]
    total = sum(losses)
    opt.zero_grad()
    total.backward()
    opt.step()
    print([round(v.item(), 3) for v in losses])
