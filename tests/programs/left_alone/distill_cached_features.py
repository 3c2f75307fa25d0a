"""Two distillations: logits cached once under inference_mode; then FitNets hints with a live no_grad teacher."""
import torch
from torch import nn
import torch.nn.functional as F

torch.manual_seed(44)
X = torch.randn(160, 10)
Y = X[:, :4].argmax(1)
teacher = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 4))
topt = torch.optim.Adam(teacher.parameters(), lr=1e-2)
for _ in range(20):
    topt.zero_grad()
    F.cross_entropy(teacher(X), Y).backward()
    topt.step()
teacher.eval()
del topt
for p in teacher.parameters():
    p.requires_grad_(False)


@torch.inference_mode()
def cache(x):
    return torch.cat([teacher(b) for b in x.split(40)])


soft = cache(X).clone()
student = nn.Sequential(nn.Linear(10, 12), nn.ReLU(), nn.Linear(12, 4))
opt = torch.optim.SGD(student.parameters(), lr=0.2)
T = 3.0
for step in range(10):
    i = torch.randint(0, 160, (40,))
    s = student(X[i])
    kd = F.kl_div(F.log_softmax(s / T, 1), F.softmax(soft[i].clone() / T, 1), reduction="batchmean") * T * T
    loss = 0.3 * F.cross_entropy(s, Y[i]) + 0.7 * kd
    opt.zero_grad()
    loss.backward()
    opt.step()
print("kd", loss.item())

regress = nn.Linear(12, 64)
opt = torch.optim.SGD([*student[0].parameters(), *regress.parameters()], lr=0.05)
for step in range(6):
    i = torch.randint(0, 160, (40,))
    with torch.no_grad():
        hint = teacher[1](teacher[0](X[i]))
    loss = F.mse_loss(regress(student[1](student[0](X[i]))), hint)
    opt.zero_grad()
    loss.backward()
    opt.step()
print("hint", loss.item())
