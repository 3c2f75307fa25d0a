"""DINO: student/teacher, centering buffer, last layer's gradient cancelled in the first epoch, multi-crop."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(16)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(12, 32), nn.GELU(), nn.Linear(32, 16))
        self.last_layer = nn.Linear(16, 10, bias=False)

    def forward(self, x):
        return self.last_layer(F.normalize(self.body(x), dim=-1))


class DINOLoss(nn.Module):
    def __init__(self, dim, m=0.9):
        super().__init__()
        self.m = m
        self.register_buffer("center", torch.zeros(1, dim))

    def forward(self, student, teacher):
        t = F.softmax((teacher - self.center) / 0.04, dim=-1).detach().chunk(2)
        s = (student / 0.1).chunk(4)
        total, n = 0.0, 0
        for i, q in enumerate(t):
            for v, logit in enumerate(s):
                if v == i:
                    continue
                total = total + (-q * F.log_softmax(logit, -1)).sum(-1).mean()
                n += 1
        self.update_center(teacher)
        return total / n

    @torch.no_grad()
    def update_center(self, t):
        self.center = self.center * self.m + t.mean(0, keepdim=True) * (1 - self.m)


def cancel_gradients_last_layer(epoch, model, freeze_epochs):
    if epoch >= freeze_epochs:
        return
    for n, p in model.named_parameters():
        if "last_layer" in n:
            p.grad = None


student, teacher = Net(), Net()
teacher.load_state_dict(student.state_dict())
for p in teacher.parameters():
    p.requires_grad = False
crit = DINOLoss(10)
opt = torch.optim.AdamW(student.parameters(), lr=2e-3, weight_decay=0.04)
X = torch.randn(96, 12)
for epoch in range(3):
    for i in torch.randperm(96).split(24):
        crops = [X[i] + 0.2 * torch.randn(24, 12) for _ in range(4)]
        loss = crit(student(torch.cat(crops)), teacher(torch.cat(crops[:2])))
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(student.parameters(), 3.0)
        cancel_gradients_last_layer(epoch, student, 1)
        opt.step()
        with torch.no_grad():
            for q, k in zip(student.parameters(), teacher.parameters()):
                k.data.mul_(0.95).add_((1 - 0.95) * q.detach().data)
    print(epoch, loss.item())
