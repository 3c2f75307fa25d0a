import copy

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.parametrizations import weight_norm


def cosine_scheduler(base_value, final_value, iterations):
    return final_value + 0.5 * (base_value - final_value) * (1 + np.cos(np.pi * np.arange(iterations) / iterations))


class DINOHead(nn.Module):
    def __init__(self, in_dim, out_dim, hidden_dim=48, bottleneck_dim=16):
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(in_dim, hidden_dim), nn.GELU(), nn.Linear(hidden_dim, bottleneck_dim))
        self.last_layer = weight_norm(nn.Linear(bottleneck_dim, out_dim, bias=False))
        self.last_layer.parametrizations.weight.original0.data.fill_(1)
        self.last_layer.parametrizations.weight.original0.requires_grad = False

    def forward(self, x):
        return self.last_layer(F.normalize(self.mlp(x), dim=-1, p=2))


class DINOLoss(nn.Module):
    def __init__(self, out_dim, teacher_temp=0.04, student_temp=0.1, center_momentum=0.9):
        super().__init__()
        self.teacher_temp, self.student_temp, self.center_momentum = teacher_temp, student_temp, center_momentum
        self.register_buffer("center", torch.zeros(1, out_dim))

    def forward(self, student_output, teacher_output, ncrops):
        student_out = (student_output / self.student_temp).chunk(ncrops)
        teacher_out = F.softmax((teacher_output - self.center) / self.teacher_temp, dim=-1).detach().chunk(2)
        losses = []
        for iq, q in enumerate(teacher_out):
            for v in range(len(student_out)):
                if v != iq:  # never the same view twice
                    losses.append(torch.sum(-q * F.log_softmax(student_out[v], dim=-1), dim=-1).mean())
        self.update_center(teacher_output)
        return sum(losses) / len(losses)

    @torch.no_grad()
    def update_center(self, teacher_output):
        batch_center = teacher_output.mean(dim=0, keepdim=True)
        self.center = self.center * self.center_momentum + batch_center * (1 - self.center_momentum)


def train_dino(iterations=5, batch_size=8, out_dim=64):
    backbone = nn.Sequential(nn.Conv2d(3, 16, 4, 4), nn.GELU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    student = nn.Sequential(backbone, DINOHead(16, out_dim))
    teacher = copy.deepcopy(student)
    for p in teacher.parameters():
        p.requires_grad = False
    dino_loss = DINOLoss(out_dim)
    optimizer = torch.optim.AdamW([p for p in student.parameters() if p.requires_grad], lr=5e-4)
    wd_schedule = cosine_scheduler(0.04, 0.4, iterations)
    momentum_schedule = cosine_scheduler(0.996, 1.0, iterations)
    for it in range(iterations):
        optimizer.param_groups[0]["weight_decay"] = wd_schedule[it]
        images = torch.randn(batch_size, 3, 32, 32)
        global_crops = [images[:, :, 4:28, 4:28], images[:, :, :24, 8:].flip(-1)]
        local_crops = [images[:, :, 2:18, 2:18], images[:, :, 16:, 16:]]
        teacher_output = teacher(torch.cat(global_crops))
        student_output = torch.cat([student(torch.cat(global_crops)), student(torch.cat(local_crops))])
        loss = dino_loss(student_output, teacher_output, len(global_crops) + len(local_crops))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(student.parameters(), 3.0)
        optimizer.step()
        m = momentum_schedule[it]
        with torch.no_grad():
            for param_q, param_k in zip(student.parameters(), teacher.parameters()):
                param_k.data.mul_(m).add_((1 - m) * param_q.detach().data)
        print(f"it {it} loss {loss.item():.4f} momentum {m:.4f}")


if __name__ == "__main__":
    torch.manual_seed(0)
    train_dino()
