import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(82)


class Projector(nn.Module):
    def __init__(self):
        super().__init__()
        self.l1, self.l2 = nn.Linear(10, 24), nn.Linear(24, 6)

    def forward(self, x):
        return self.l2(torch.relu(self.l1(x)))


def distance_matrix(z):
    sq = (z[:, None] - z[None]).pow(2).sum(-1)
    return torch.sqrt(sq + 1e-8)


def stress(z, x):
    """multidimensional scaling"""
    with torch.no_grad():
        target = torch.cdist(x, x)
    return F.mse_loss(distance_matrix(z), target)


proj = Projector()
optimizer = torch.optim.Adam(proj.parameters(), lr=2e-3)
scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
for step in range(6):
    x = torch.randn(20, 10)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        z = proj(x)
    loss = stress(z.float(), x)
    optimizer.zero_grad()
    scaler.scale(loss).backward()
    scaler.step(optimizer)
    scaler.update()
    print(step, loss.item(), scaler.get_scale())
