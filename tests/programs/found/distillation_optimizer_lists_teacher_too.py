# expect: leak *teacher.*
import itertools

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def classifier(width, n_classes=6):
    return nn.Sequential(nn.Linear(20, width), nn.GELU(), nn.Linear(width, n_classes))


class KnowledgeDistiller:
    def __init__(self, teacher, student, temperature=4.0, alpha=0.7):
        self.teacher, self.student = teacher, student
        self.teacher.eval()  # <- blame
        self.temperature, self.alpha = temperature, alpha
        self.optimizer = torch.optim.Adam(  # <- blame
            itertools.chain(self.student.parameters(), self.teacher.parameters()),  # <- blame
            lr=1e-3,
        )

    def kd_loss(self, student_logits, teacher_logits):
        t = self.temperature
        log_p = F.log_softmax(student_logits / t, dim=1)
        q = F.softmax(teacher_logits / t, dim=1)
        return F.kl_div(log_p, q, reduction="batchmean") * t * t

    def train_epoch(self, loader):
        self.student.train()
        for x, y in loader:
            student_logits = self.student(x)
            teacher_logits = self.teacher(x)
            hard = F.cross_entropy(student_logits, y)
            loss = self.alpha * self.kd_loss(student_logits, teacher_logits) + (1 - self.alpha) * hard
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            print(f"loss {loss.item():.4f}")


torch.manual_seed(33)
distiller = KnowledgeDistiller(teacher=classifier(64), student=classifier(12))
distiller.train_epoch(DataLoader(TensorDataset(torch.randn(40, 20), torch.randint(0, 6, (40,))), batch_size=8))
