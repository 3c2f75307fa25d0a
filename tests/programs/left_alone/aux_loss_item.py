import torch
from torch import nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.low = nn.Sequential(nn.Linear(8, 24), nn.ReLU())
        self.high = nn.Sequential(nn.Linear(24, 24), nn.ReLU())
        self.main = nn.Linear(24, 4)
        self.aux = nn.Linear(24, 4)

    def forward(self, x):
        h = self.low(x)
        return self.main(self.high(h)), self.aux(h)


class Meter(dict):
    def add(self, **kw):
        for k, v in kw.items():
            self[k] = self.get(k, 0.0) + v


def compute_losses(model, x, y):
    out, aux = model(x)
    losses = {"main": F.cross_entropy(out, y)}
    losses["aux"] = F.cross_entropy(aux, y)
    return losses


torch.manual_seed(19)
net, meter = Net(), Meter()
opt = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=0.0)
x = torch.randn(128, 8); y = x[:, :4].argmax(1)
for step in range(10):
    i = torch.randint(0, 128, (32,))
    losses = compute_losses(net, x[i], y[i])
    total = losses["main"] + 0.3 * losses["aux"]
    opt.zero_grad()
    total.backward()
    opt.step()
    meter.add(total=total.item())
print(meter)
