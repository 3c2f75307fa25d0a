# expect: leak *body.*
import torch
from torch import nn

torch.manual_seed(4)
net = nn.ModuleDict({
    "body": nn.Sequential(nn.Linear(5, 24), nn.Tanh()),
    "head": nn.Linear(24, 2),
})
opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-3)
x = torch.randn(100, 5); y = (x[:, 0] * x[:, 1] > 0).long()


def run(steps):
    for _ in range(steps):
        i = torch.randint(0, 100, (25,))
        loss = nn.functional.cross_entropy(net["head"](net["body"](x[i])), y[i])
        opt.zero_grad(set_to_none=False)  # <- blame
        loss.backward()
        opt.step()
    return loss.item()


print("all", run(6))
net["body"].requires_grad_(False)  # <- blame
print("head only", run(6))
