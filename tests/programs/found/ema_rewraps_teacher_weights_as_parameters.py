# expect: leak *teacher.*
import copy

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class MeanTeacher(nn.Module):
    def __init__(self, n_inputs=10, n_classes=3):
        super().__init__()
        self.student = nn.Sequential(nn.Linear(n_inputs, 20), nn.Tanh(), nn.Linear(20, n_classes))
        self.teacher = copy.deepcopy(self.student)
        for p in self.teacher.parameters():
            p.requires_grad = False

    def update_teacher(self, decay=0.9):
        for slow, fast in zip(self.teacher, self.student, strict=True):
            if isinstance(slow, nn.Linear):
                slow.weight = nn.Parameter(decay * slow.weight + (1 - decay) * fast.weight)  # <- blame
                slow.bias = nn.Parameter(decay * slow.bias + (1 - decay) * fast.bias)  # <- blame


def train_epoch(model, loader, lr):
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=lr)
    for x, y in loader:
        student_logits = model.student(x + 0.1 * torch.randn_like(x))
        teacher_logits = model.teacher(x)
        loss = F.cross_entropy(student_logits, y) + F.mse_loss(student_logits, teacher_logits)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.update_teacher()
    return loss.item()


def main():
    torch.manual_seed(46)
    model = MeanTeacher()
    loader = DataLoader(TensorDataset(torch.randn(16, 10), torch.randint(0, 3, (16,))), batch_size=16)
    for epoch, lr in enumerate([0.2, 0.1, 0.05, 0.02]):
        print(f"epoch {epoch} lr {lr} loss {train_epoch(model, loader, lr):.4f}")


if __name__ == "__main__":
    main()
