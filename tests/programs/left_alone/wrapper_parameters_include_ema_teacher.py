import copy

import torch
import torch.nn.functional as F
from torch import nn


class SelfDistillation(nn.Module):
    def __init__(self, student):
        super().__init__()
        self.student = student
        self.teacher = copy.deepcopy(student).requires_grad_(False)

    def forward(self, crop1, crop2):
        return self.student(crop1), self.teacher(crop2)

    @torch.no_grad()
    def ema_update(self, momentum):
        for student_param, teacher_param in zip(self.student.parameters(), self.teacher.parameters(), strict=True):
            teacher_param.copy_(momentum * teacher_param + (1 - momentum) * student_param)


class Parallel(nn.Module):
    def __init__(self, module):
        super().__init__()
        self.module = module

    def forward(self, *inputs):
        return self.module(*inputs)


def dino_loss(student_out, teacher_out, student_temp=0.1, teacher_temp=0.05):
    teacher_probs = F.softmax(teacher_out / teacher_temp, dim=-1)
    return -(teacher_probs * F.log_softmax(student_out / student_temp, dim=-1)).sum(dim=-1).mean()


def train(steps=5, momentum=0.99):
    student = nn.Sequential(nn.Linear(16, 32), nn.GELU(), nn.LayerNorm(32), nn.Linear(32, 10))
    model = Parallel(SelfDistillation(student))
    optimizer = torch.optim.AdamW(model.module.student.parameters(), lr=5e-4)
    for step in range(steps):
        images = torch.randn(16, 16)
        crop1, crop2 = images * (torch.rand(16, 16) > 0.2), images * (torch.rand(16, 16) > 0.2)
        loss = dino_loss(*model(crop1, crop2))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        model.module.ema_update(momentum)
        print(f"step {step} loss {loss.item():.4f}")


if __name__ == "__main__":
    torch.manual_seed(35)
    train()
