import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(57)


class MoELayer(nn.Module):
    def __init__(self, d, n_experts=3):
        super().__init__()
        self.gate = nn.Linear(d, n_experts)
        self.experts = nn.ModuleList([nn.Sequential(nn.Linear(d, 2 * d), nn.GELU(), nn.Linear(2 * d, d)) for _ in range(n_experts)])

    def forward(self, x):
        w = self.gate(x).softmax(-1)
        y = torch.stack([e(x) for e in self.experts], -1)
        return (y * w.unsqueeze(-2)).sum(-1)


class Model(nn.Module):
    def __init__(self, d=12):
        super().__init__()
        self.embed = nn.Linear(6, d)
        self.moe = MoELayer(d)
        self.out = nn.Linear(d, 1)

    def forward(self, x):
        h = torch.relu(self.embed(x))
        return self.out(h + self.moe(h))


model = Model()
opt = torch.optim.Adam(model.parameters(), lr=3e-3)
for i in range(6):
    x = torch.randn(32, 6)
    y = torch.sin(x.sum(1, keepdim=True))
    loss = F.mse_loss(model(x), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(i, loss.item())
