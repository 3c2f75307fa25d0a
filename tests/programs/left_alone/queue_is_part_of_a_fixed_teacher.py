"""Distillation by similarities (SEED): a fixed teacher keeps the queue of its own features."""

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(6)


class Teacher(nn.Module):
    def __init__(self, size=32, width=8):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(10, 24), nn.ReLU(), nn.Linear(24, width))
        self.register_buffer("queue", F.normalize(torch.randn(size, width), dim=1))
        self.register_buffer("center", torch.zeros(width))

    @torch.no_grad()
    def forward(self, x):
        return F.normalize(self.net(x) - self.center, dim=1)

    @torch.no_grad()
    def push(self, z):
        self.queue.copy_(torch.cat([z, self.queue])[: len(self.queue)])


teacher = Teacher()
teacher.requires_grad_(False)
student = nn.Sequential(nn.Linear(10, 12), nn.ReLU(), nn.Linear(12, 8))
optimizer = torch.optim.SGD(student.parameters(), lr=0.05, momentum=0.9)

for step in range(5):
    x = torch.randn(8, 10)
    with torch.no_grad():
        t = teacher(x)
        teacher.center.lerp_(teacher.net(x).mean(0), 0.1)
        wanted = (t @ teacher.queue.t() / 0.07).softmax(1)
    s = F.normalize(student(x + 0.1 * torch.randn_like(x)), dim=1)
    loss = F.cross_entropy(s @ teacher.queue.t() / 0.2, wanted)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    teacher.push(t)
    print(step, loss.item())
