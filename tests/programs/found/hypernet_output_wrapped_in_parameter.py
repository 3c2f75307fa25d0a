# expect: blockage *hyper.*
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(92)


class HyperMLP(nn.Module):
    def __init__(self, n_task=3, d=8, h=10):
        super().__init__()
        self.hyper = nn.Sequential(nn.Linear(n_task, 24), nn.ReLU(), nn.Linear(24, d * h))
        self.out = nn.Linear(h, 1)
        self.d, self.h = d, h

    def forward(self, x, task):
        flat = self.hyper(task)
        W = nn.Parameter(flat.view(self.h, self.d))  # <- blame
        return self.out(torch.tanh(F.linear(x, W)))


net = HyperMLP()
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
W_true = torch.randn(3, 8)
for it in range(9):
    k = it % 3
    task = F.one_hot(torch.tensor(k), 3).float()
    x = torch.randn(32, 8)
    y = (x @ W_true[k]).unsqueeze(1)
    loss = F.mse_loss(net(x, task), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(it, "task", k, loss.item())
