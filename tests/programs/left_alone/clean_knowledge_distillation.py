import io

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

TEMPERATURE, ALPHA = 4.0, 0.7
WARMUP_STEPS, EPOCHS = 2, 2


class SmallNet(nn.Module):
    def __init__(self, width, classes=6):
        super().__init__()
        self.conv1 = nn.Conv2d(1, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width * 2, 3, padding=1)
        self.fc = nn.Linear(width * 2 * 9, classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc(x.flatten(1))


def published_checkpoint():
    """Stand in for the file that torch.hub would download."""
    torch.manual_seed(100)
    file = io.BytesIO()
    torch.save(SmallNet(width=16).state_dict(), file)
    file.seek(0)
    return file


def load_teacher():
    teacher = SmallNet(width=16)
    teacher.load_state_dict(torch.load(published_checkpoint(), weights_only=True))
    for param in teacher.parameters():
        param.requires_grad = False
    return teacher.eval()


def distillation_loss(student_logits, teacher_logits, labels):
    soft_targets = F.softmax(teacher_logits / TEMPERATURE, dim=1)
    soft = F.kl_div(F.log_softmax(student_logits / TEMPERATURE, dim=1), soft_targets, reduction="batchmean")
    return ALPHA * TEMPERATURE**2 * soft + (1 - ALPHA) * F.cross_entropy(student_logits, labels)


def train_one_epoch(student, teacher, loader, optimizer, scheduler):
    student.train()
    for images, labels in loader:
        with torch.no_grad():
            teacher_logits = teacher(images)
        loss = distillation_loss(student(images), teacher_logits, labels)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(student.parameters(), max_norm=1.0)
        optimizer.step()
        scheduler.step()
    return loss.item()


@torch.no_grad()
def evaluate(student, loader):
    student.eval()
    return sum((student(x).argmax(1) == y).sum().item() for x, y in loader) / len(loader.dataset)


if __name__ == "__main__":
    teacher = load_teacher()
    torch.manual_seed(0)
    images = torch.randn(96, 1, 12, 12)
    labels = teacher(images).argmax(1)
    train_loader = DataLoader(TensorDataset(images[:64], labels[:64]), batch_size=16, shuffle=True)
    test_loader = DataLoader(TensorDataset(images[64:], labels[64:]), batch_size=32)
    student = SmallNet(width=6)
    optimizer = torch.optim.SGD(student.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, step / WARMUP_STEPS))
    for epoch in range(EPOCHS):
        loss = train_one_epoch(student, teacher, train_loader, optimizer, scheduler)
        print(f"epoch {epoch} loss {loss:.4f} accuracy {evaluate(student, test_loader):.3f}")
