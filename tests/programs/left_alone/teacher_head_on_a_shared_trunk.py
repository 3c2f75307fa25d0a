"""Be your own teacher: heads at two depths share the trunk, and the deeper one teaches the shallower."""

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(9)


class Branch(nn.Module):
    def __init__(self, trunk, depth):
        super().__init__()
        self.trunk = trunk
        self.head = nn.Sequential(*(nn.Sequential(nn.Linear(16, 16), nn.ReLU()) for _ in range(depth)), nn.Linear(16, 3))

    def forward(self, x):
        return self.head(self.trunk(x))


trunk = nn.Sequential(nn.Linear(6, 16), nn.ReLU())
student, teacher = Branch(trunk, 0), Branch(trunk, 2)
optimizer = torch.optim.Adam([*student.parameters(), *teacher.head.parameters()], lr=1e-2)

for step in range(5):
    x = torch.randn(32, 6)
    y = x[:, :3].argmax(1)
    wanted = teacher(x)
    with torch.no_grad():
        soft = teacher(x).softmax(1)
    shallow = student(x)
    loss = F.cross_entropy(wanted, y) + F.cross_entropy(shallow, y) + F.cross_entropy(shallow, soft)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
