import copy

import torch
from torch import nn

torch.manual_seed(26)
student = nn.Sequential(nn.Linear(8, 24), nn.GELU(), nn.Linear(24, 4))
teacher = copy.deepcopy(student).requires_grad_(False)
optimizer = torch.optim.Adam(student.parameters(), lr=1e-2)
decay = 0.9


@torch.no_grad()
def follow():
    for mine, theirs in zip(teacher.parameters(), student.parameters(), strict=True):
        mine.mul_(decay).add_(theirs, alpha=1 - decay)


for step in range(5):
    x, y = torch.randn(24, 8), torch.randint(0, 4, (24,))
    prediction = student(x)
    with torch.no_grad():
        goal = teacher(x + 0.1 * torch.randn_like(x)).softmax(1)
    loss = nn.functional.cross_entropy(prediction, y) + nn.functional.cross_entropy(prediction, goal)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    follow()
    print(step, loss.item())
