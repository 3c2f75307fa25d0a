import copy

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class SmallCNN(nn.Module):
    def __init__(self, n_classes=4):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, padding=1)
        self.conv2 = nn.Conv2d(8, 8, 3, padding=1)
        self.fc = nn.Linear(8, n_classes)

    def forward(self, x):
        x = F.elu(self.conv1(x))
        x = F.elu(self.conv2(x))
        return self.fc(x.mean(dim=(2, 3)))


class MeanTeacherTrainer:
    def __init__(self, model, alpha=0.99, lr=0.02):
        self.student = model
        self.teacher = copy.deepcopy(model)
        self.teacher.eval()
        self.alpha = alpha
        self.optimizer = torch.optim.SGD(self.student.parameters(), lr=lr, momentum=0.9)

    @torch.no_grad()
    def update_teacher(self):
        for teacher_param, param in zip(self.teacher.parameters(), self.student.parameters(), strict=True):
            teacher_param.mul_(self.alpha).add_(param, alpha=1 - self.alpha)

    def step(self, x, y, unlabeled):
        with torch.no_grad():
            pseudo = self.teacher(unlabeled).softmax(dim=-1)
        consistency = F.mse_loss(self.student(unlabeled + 0.1 * torch.randn_like(unlabeled)).softmax(dim=-1), pseudo)
        loss = F.cross_entropy(self.student(x), y) + consistency
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.update_teacher()
        return loss.item()


if __name__ == "__main__":
    torch.manual_seed(6)
    dataset = TensorDataset(torch.randn(20, 1, 10, 10), torch.randint(0, 4, (20,)), torch.randn(20, 1, 10, 10))
    trainer = MeanTeacherTrainer(SmallCNN())
    for batch in DataLoader(dataset, batch_size=5):
        print(f"{trainer.step(*batch):.4f}")
