import copy

import torch
import torch.nn.functional as F
from torch import nn


def build_network(channels=8, classes=4):
    return nn.Sequential(
        nn.Conv2d(3, channels, 3, padding=1, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
        nn.Conv2d(channels, channels, 3, padding=1, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(channels, classes),
    )


@torch.no_grad()
def update_teacher(teacher, student, decay):
    for average, current in zip(teacher.parameters(), student.parameters(), strict=True):
        average.mul_(decay).add_(current, alpha=1 - decay)
    for average, current in zip(teacher.buffers(), student.buffers(), strict=True):
        average.copy_(current)


def train(student, teacher, batches, decay=0.9, consistency=1.0):
    optimizer = torch.optim.Adam(student.parameters(), lr=1e-2)
    student.train()
    for step, (labelled, labels, unlabelled) in enumerate(batches):
        with torch.no_grad():
            targets = teacher(unlabelled).softmax(dim=1)
        loss = F.cross_entropy(student(labelled), labels)
        noisy = student(unlabelled + 0.1 * torch.randn_like(unlabelled))
        loss = loss + consistency * F.mse_loss(noisy.softmax(dim=1), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        update_teacher(teacher, student, decay)
        print(f"step {step} loss {loss.item():.4f}")


def main():
    torch.manual_seed(47)
    student = build_network()
    teacher = copy.deepcopy(student).requires_grad_(False).eval()
    batches = [(torch.randn(6, 3, 8, 8) + 2, torch.randint(0, 4, (6,)), torch.randn(6, 3, 8, 8) + 2) for _ in range(5)]
    train(student, teacher, batches)


if __name__ == "__main__":
    main()
