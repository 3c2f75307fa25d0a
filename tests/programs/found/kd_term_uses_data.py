# expect: blockage *student.*
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(2)
T, ALPHA = 4.0, 0.7


class Net(nn.Module):
    def __init__(self, h):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(16, h), nn.Linear(h, 6)

    def forward(self, x):
        return self.fc2(F.relu(self.fc1(x)))


teacher = Net(64).eval().requires_grad_(False)
student = Net(12)
optimizer = torch.optim.SGD(student.parameters(), lr=0.1)


def distill(s_logits, t_logits):
    s = F.log_softmax(s_logits.data / T, dim=-1)  # <- blame
    t = F.softmax(t_logits.data / T, dim=-1)
    return F.kl_div(s, t, reduction="batchmean") * T ** 2


for i in range(6):
    x = torch.randn(40, 16)
    y = x[:, :6].argmax(1)
    with torch.no_grad():
        t_out = teacher(x)
    s_out = student(x)
    ce = F.cross_entropy(s_out, y)
    kd = distill(s_out, t_out)
    loss = (1 - ALPHA) * ce + ALPHA * kd
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(i, ce.item(), kd.item())
