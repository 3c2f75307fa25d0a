import torch
from torch import nn
import torch.nn.functional as F


class Switch(nn.Module):
    def __init__(self, d, n):
        super().__init__()
        self.gate = nn.Linear(d, n)
        self.experts = nn.ModuleList(nn.Linear(d, d) for _ in range(n))

    def forward(self, x):
        probs = self.gate(x).softmax(-1)
        hard = F.one_hot(probs.argmax(-1), probs.size(-1)).float()
        choice = hard + probs - probs.detach()
        y = torch.stack([e(x) for e in self.experts], 1)
        return (choice.unsqueeze(-1) * y).sum(1)


torch.manual_seed(12)
net = nn.Sequential(Switch(6, 3), nn.ReLU(), nn.Linear(6, 2))
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
x = torch.randn(120, 6); y = (x[:, 0] > x[:, 1]).long()
for step in range(12):
    i = torch.randint(0, 120, (40,))
    loss = F.cross_entropy(net(x[i]), y[i])
    opt.zero_grad()
    loss.backward()
    opt.step()
print(loss.item())
