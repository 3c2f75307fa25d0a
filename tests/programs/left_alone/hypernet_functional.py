"""Hypernetwork generates the weights of a skeleton network run by functional_call (skeleton on 'meta')."""
import torch
from torch import nn
from torch.func import functional_call


class Hyper(nn.Module):
    def __init__(self, shapes, z=6):
        super().__init__()
        self.shapes = shapes
        total = sum(s.numel() for s in shapes.values())
        self.net = nn.Sequential(nn.Linear(z, 32), nn.SiLU(), nn.Linear(32, total))

    def forward(self, z):
        flat, out, k = self.net(z) * 0.3, {}, 0
        for name, s in self.shapes.items():
            out[name] = flat[k:k + s.numel()].view(s)
            k += s.numel()
        return out


torch.manual_seed(45)
with torch.device("meta"):
    skeleton = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
hyper = Hyper({k: p.shape for k, p in skeleton.named_parameters()})
codes = nn.Embedding(5, 6)
opt = torch.optim.Adam([{"params": hyper.parameters()}, {"params": codes.parameters(), "lr": 1e-2}], lr=2e-3)
W = torch.randn(5, 2)
for step in range(20):
    opt.zero_grad()
    loss = 0
    for t in torch.randperm(5)[:3]:
        x = torch.randn(32, 2)
        pred = functional_call(skeleton, hyper(codes(t)), (x,))
        loss = loss + nn.functional.mse_loss(pred, torch.sin(x @ W[t]).unsqueeze(1)) / 3
    loss.backward()
    opt.step()
    if step % 5 == 0:
        print(step, loss.item())
