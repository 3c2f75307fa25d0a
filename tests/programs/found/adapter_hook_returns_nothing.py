# expect: blockage *adapters.*
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(103)


def attach_adapters(model, d, r=4):
    adapters = nn.ModuleList()
    for layer in model.layers:
        a = nn.Sequential(nn.Linear(d, r), nn.ReLU(), nn.Linear(r, d))
        adapters.append(a)

        def hook(module, args, output, a=a):
            output = output + a(output)  # <- blame

        layer.register_forward_hook(hook)
    return adapters


class Base(nn.Module):
    def __init__(self, d=12, n=2):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(d, d) for _ in range(n)])

    def forward(self, x):
        for l in self.layers:
            x = torch.tanh(l(x))
        return x


base = Base()
base.requires_grad_(False)
adapters = attach_adapters(base, 12)
head = nn.Linear(12, 3)
optimizer = torch.optim.Adam([*adapters.parameters(), *head.parameters()], lr=3e-3)
for step in range(6):
    x = torch.randn(32, 12)
    y = x[:, :3].argmax(1)
    loss = F.cross_entropy(head(base(x)), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
