"""Kendall homoscedastic-uncertainty weights as parameters of the criterion, own group without decay."""
import torch
from torch import nn


class MultiTaskLoss(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.log_var = nn.Parameter(torch.zeros(n))

    def forward(self, *losses):
        losses = torch.stack(losses)
        return (torch.exp(-self.log_var) * losses + self.log_var).sum()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.shared = nn.Sequential(nn.Linear(9, 32), nn.ELU())
        self.tasks = nn.ModuleDict(dict(age=nn.Linear(32, 1), sex=nn.Linear(32, 2), site=nn.Linear(32, 4)))

    def forward(self, x):
        h = self.shared(x)
        return {k: t(h) for k, t in self.tasks.items()}


torch.manual_seed(28)
net, crit = Net(), MultiTaskLoss(3)
opt = torch.optim.AdamW([
    dict(params=net.parameters(), weight_decay=1e-2),
    dict(params=crit.parameters(), weight_decay=0.0, lr=1e-2),
], lr=3e-3)
x = torch.randn(150, 9)
ys = dict(age=x[:, :1] * 2, sex=(x[:, 1] > 0).long(), site=torch.randint(0, 4, (150,)))
fns = dict(age=nn.functional.l1_loss, sex=nn.functional.cross_entropy, site=nn.functional.cross_entropy)
for step in range(12):
    i = torch.randint(0, 150, (50,))
    out = net(x[i])
    parts = {k: fns[k](out[k], ys[k][i]) for k in out}
    loss = crit(*parts.values())
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(step, {k: round(v.item(), 3) for k, v in parts.items()}, crit.log_var.detach().numpy().round(3))
