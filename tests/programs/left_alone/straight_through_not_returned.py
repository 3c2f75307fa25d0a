import torch
from torch import nn
import torch.nn.functional as F
class Routed(nn.Module):
    def __init__(self, d=8, n=3):
        super().__init__()
        self.router = nn.Linear(d, n)
        self.experts = nn.ModuleList(nn.Linear(d, d) for _ in range(n))
        self.out = nn.Linear(d, 2)
    def route(self, x):
        soft = F.softmax(self.router(x), -1)
        hard = F.one_hot(soft.argmax(-1), soft.shape[-1]).float()
        ste = hard - soft.detach() + soft
        return ste
    def forward(self, x):
        w = self.route(x)
        y = sum(w[:, i:i + 1] * e(x) for i, e in enumerate(self.experts))
        return self.out(y)
torch.manual_seed(10)
net = Routed()
opt = torch.optim.Adam(net.parameters(), lr=1e-2)
for _ in range(6):
    x = torch.randn(32, 8)
    loss = F.cross_entropy(net(x), (x.sum(1) > 0).long())
    opt.zero_grad(); loss.backward(); opt.step()
    print(loss.item())
