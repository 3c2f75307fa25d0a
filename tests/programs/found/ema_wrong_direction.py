# expect: blockage *teacher.*
import copy
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(44)


class MeanTeacher:
    def __init__(self, net, momentum=0.9):
        self.student = net
        self.teacher = copy.deepcopy(net)
        for p in self.teacher.parameters():
            p.requires_grad_(False)
        self.m = momentum
        self.opt = torch.optim.SGD(self.student.parameters(), lr=0.05)

    @torch.no_grad()
    def update_teacher(self):
        for ps, pt in zip(self.student.parameters(), self.teacher.parameters()):
            ps.mul_(self.m).add_(pt, alpha=1 - self.m)  # <- blame

    def step(self, xl, yl, xu):
        sup = F.cross_entropy(self.student(xl), yl)
        with torch.no_grad():
            target = self.teacher(xu + 0.05 * torch.randn_like(xu)).softmax(-1)
        cons = F.mse_loss(self.student(xu).softmax(-1), target)
        loss = sup + 2.0 * cons
        self.opt.zero_grad()
        loss.backward()
        self.opt.step()
        self.update_teacher()
        return loss.item()


mt = MeanTeacher(nn.Sequential(nn.Linear(8, 24), nn.ReLU(), nn.Linear(24, 3)))
for i in range(8):
    xl, xu = torch.randn(12, 8), torch.randn(36, 8)
    print(i, round(mt.step(xl, xl[:, :3].argmax(1), xu), 4))
