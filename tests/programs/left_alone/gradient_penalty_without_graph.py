import torch
from torch import nn
torch.manual_seed(16)
net = nn.Sequential(nn.Linear(4, 16), nn.Softplus(), nn.Linear(16, 1))
opt = torch.optim.Adam(net.parameters(), lr=1e-2)
def penalty(x):
    x = x.requires_grad_()
    g, = torch.autograd.grad(net(x).sum(), x, create_graph=True)
    return (g.norm(dim=1) - 1).pow(2).mean()
for _ in range(5):
    x = torch.randn(32, 4)
    fit = (net(x).squeeze(1) - x.sum(1)).pow(2).mean()
    loss = fit + 10.0 * penalty(x.clone())
    opt.zero_grad(); loss.backward(); opt.step()
    print(loss.item())
