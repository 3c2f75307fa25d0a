import math
import torch
from torch import nn
import torch.nn.functional as F


class Clip(nn.Module):
    def __init__(self):
        super().__init__()
        self.img, self.txt = nn.Linear(10, 8), nn.Linear(6, 8)
        self.log_temp = nn.Parameter(torch.tensor(1 / 0.07).log())

    def forward(self, a, b):
        a, b = F.normalize(self.img(a), dim=1), F.normalize(self.txt(b), dim=1)
        scale = self.log_temp.clamp(max=math.log(100)).exp()
        return scale * a @ b.T


torch.manual_seed(26)
net = Clip()
opt = torch.optim.Adam(net.parameters(), lr=1e-3)
a = torch.randn(96, 10); b = a[:, :6] + 0.1 * torch.randn(96, 6)
for step in range(10):
    i = torch.randperm(96)[:16]
    logits = net(a[i], b[i])
    lab = torch.arange(16)
    loss = 0.5 * (F.cross_entropy(logits, lab) + F.cross_entropy(logits.T, lab))
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(step, loss.item())
