# options: --frozen teacher
import torch, torch.nn as nn, torch.nn.functional as F
torch.manual_seed(1)
trunk = nn.Sequential(nn.Linear(6, 12), nn.ReLU())
class Net(nn.Module):
    def __init__(self, h):
        super().__init__()
        self.trunk = trunk
        self.out = nn.Sequential(nn.Linear(12, h), nn.ReLU(), nn.Linear(h, 3))
    def forward(self, x):
        return self.out(self.trunk(x))
teacher = Net(16)
for p in teacher.parameters():
    p.requires_grad = False
student = Net(4)
class Trainer:
    def __init__(self, teacher, student):
        self.teacher, self.student = teacher, student
        self.opt = torch.optim.Adam(self.student.parameters(), 1e-2)
    def fit(self):
        for i in range(4):
            x = torch.randn(16, 6)
            with torch.no_grad():
                t = self.teacher(x).softmax(-1)
            loss = F.cross_entropy(self.student(x), t)
            self.opt.zero_grad(); loss.backward(); self.opt.step()
Trainer(teacher, student).fit()
