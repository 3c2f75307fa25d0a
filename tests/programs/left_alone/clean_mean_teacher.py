import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class Settings:
    epochs: int = 3
    lr: float = 0.05
    ema_decay: float = 0.99
    consistency: float = 10.0
    rampup_epochs: int = 5


def create_model(ema=False):
    model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 5))
    for param in model.parameters() if ema else ():
        param.detach_()
    return model


class MeanTeacherTrainer:
    def __init__(self, settings):
        self.settings = settings
        self.student = create_model()
        self.teacher = create_model(ema=True)
        self.teacher.load_state_dict(self.student.state_dict())
        self.optimizer = torch.optim.SGD(self.student.parameters(), settings.lr, momentum=0.9, nesterov=True)
        self.scheduler = torch.optim.lr_scheduler.StepLR(self.optimizer, step_size=2, gamma=0.5)
        self.global_step = 0

    def consistency_weight(self, epoch):
        phase = 1.0 - min(epoch, self.settings.rampup_epochs) / self.settings.rampup_epochs
        return self.settings.consistency * math.exp(-5.0 * phase * phase)

    def update_ema_variables(self):
        # use the true average until the exponential average is more correct
        alpha = min(1 - 1 / (self.global_step + 1), self.settings.ema_decay)
        for ema_param, param in zip(self.teacher.parameters(), self.student.parameters()):
            ema_param.data.mul_(alpha).add_(param.data, alpha=1 - alpha)

    def train_epoch(self, labelled, unlabelled, epoch):
        self.student.train()
        self.teacher.train()
        weight = self.consistency_weight(epoch)
        for (x, y), (u,) in zip(labelled, unlabelled):
            inputs = torch.cat([x, u])
            student_logits = self.student(inputs + 0.1 * torch.randn_like(inputs))
            teacher_logits = self.teacher(inputs + 0.1 * torch.randn_like(inputs))
            consistency_loss = F.mse_loss(student_logits.softmax(1), teacher_logits.detach().softmax(1))
            loss = F.cross_entropy(student_logits[: len(x)], y) + weight * consistency_loss
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.global_step += 1
            self.update_ema_variables()
        self.scheduler.step()
        return loss.item()

    @torch.no_grad()
    def validate(self, model, x, y):
        model.eval()
        return (model(x).argmax(1) == y).float().mean().item()


torch.manual_seed(5)
centres = torch.randn(5, 20) * 2
targets = torch.randint(0, 5, (200,))
features = centres[targets] + torch.randn(200, 20)
labelled = DataLoader(TensorDataset(features[:32], targets[:32]), batch_size=8, shuffle=True)
unlabelled = DataLoader(TensorDataset(features[32:128]), batch_size=24, shuffle=True)
trainer = MeanTeacherTrainer(Settings())
for epoch in range(trainer.settings.epochs):
    loss = trainer.train_epoch(labelled, unlabelled, epoch)
    accuracy = [trainer.validate(model, features[128:], targets[128:]) for model in (trainer.student, trainer.teacher)]
    print(f"epoch {epoch} loss {loss:.4f} student {accuracy[0]:.3f} teacher {accuracy[1]:.3f}")
