# expect: leak *teacher.*
import itertools
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(11)


def mlp(width):
    return nn.Sequential(nn.Linear(10, width), nn.ReLU(), nn.Linear(width, 5))


def kd_loss(student_logits, teacher_logits, T=3.0):
    p = F.log_softmax(student_logits / T, dim=1)
    q = F.softmax(teacher_logits / T, dim=1)
    return F.kl_div(p, q, reduction="batchmean") * T * T


teacher = mlp(64)
student = mlp(16)
teacher.eval()
regressor = nn.Linear(16, 64)   # maps student features onto the teacher's

optimizer = torch.optim.Adam(itertools.chain(student.parameters(), teacher.parameters(), regressor.parameters()), lr=1e-3)  # <- blame

for step in range(6):
    x = torch.randn(32, 10)
    y = x[:, :5].argmax(1)
    t_feat = teacher[1](teacher[0](x))
    t_logits = teacher[2](t_feat)
    s_feat = student[1](student[0](x))
    s_logits = student[2](s_feat)
    loss = F.cross_entropy(s_logits, y) + kd_loss(s_logits, t_logits) + 0.1 * F.mse_loss(regressor(s_feat), t_feat)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print("step", step, "loss", round(loss.item(), 4))
