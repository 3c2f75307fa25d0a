import torch
from torch import nn
torch.manual_seed(11)
hyper = nn.Linear(3, 5)
readout = nn.Linear(1, 1)
opt = torch.optim.Adam([*hyper.parameters(), *readout.parameters()], lr=1e-2)
def apply_one(weights, x):
    return (weights[:4] * x).sum() + weights[4]
for _ in range(5):
    context, x = torch.randn(16, 3), torch.randn(16, 4)
    weights = hyper(context)
    y = torch.vmap(apply_one)(weights, x)
    loss = (readout(y[:, None]).squeeze(1) - context.sum(1) * x.sum(1)).pow(2).mean()
    opt.zero_grad(); loss.backward(); opt.step()
    print(loss.item())
