import copy

import torch
from torch import nn

torch.manual_seed(10)
student = nn.Sequential(nn.Linear(8, 24), nn.GELU(), nn.Linear(24, 5))
teacher = copy.deepcopy(student).requires_grad_(False)
optimizer = torch.optim.AdamW(student.parameters(), lr=1e-3)


@torch.no_grad()
def follow(momentum):
    for mine, theirs in zip(teacher.parameters(), student.parameters(), strict=True):
        mine.mul_(momentum).add_(theirs, alpha=1 - momentum)


for step in range(5):
    x = torch.randn(32, 8)
    goal = (teacher(x + 0.1 * torch.randn_like(x)) / 0.05).softmax(1)
    loss = -(goal * student(x).log_softmax(1)).sum(1).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    follow(0.99)
    print(step, loss.item())
