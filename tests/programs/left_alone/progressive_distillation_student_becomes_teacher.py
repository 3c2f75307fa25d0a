"""Progressive distillation: one step of the student is taught by two of the teacher; then the student is the teacher."""
import copy

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(19)


class Denoiser(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(3, 40), nn.SiLU(), nn.Linear(40, 2))

    def forward(self, x, t):
        return self.net(torch.cat([x, t], 1))


def signal(t):
    return torch.cos(t * 1.5), torch.sin(t * 1.5)


def ddim(model, x, t, s):
    a_t, b_t = signal(t)
    a_s, b_s = signal(s)
    x0 = model(x, t)
    return a_s * x0 + b_s * (x - a_t * x0) / b_t.clamp(min=1e-3)


teacher = Denoiser()
for stage, steps in enumerate((8, 4)):
    teacher.eval().requires_grad_(False)
    student = copy.deepcopy(teacher).train().requires_grad_(True)
    optimizer = torch.optim.Adam(student.parameters(), lr=1e-3)
    for iteration in range(4):
        x0 = torch.randn(32, 2) * torch.tensor([1.0, 0.2])
        t = torch.randint(1, steps + 1, (32, 1)).float() / steps
        half, one = t - 0.5 / steps, t - 1.0 / steps
        a, b = signal(t)
        x_t = a * x0 + b * torch.randn_like(x0)
        with torch.no_grad():
            x_one = ddim(teacher, ddim(teacher, x_t, t, half), half, one)
            a_one, b_one = signal(one)
            ratio = b_one / b.clamp(min=1e-3)
            wanted = (x_one - ratio * x_t) / (a_one - ratio * a).clamp(min=1e-3)
        loss = (F.mse_loss(student(x_t, t), wanted, reduction="none").mean(1) * (a / b).square().clamp(1, 5).squeeze(1)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(stage, iteration, loss.item())
    teacher = student
