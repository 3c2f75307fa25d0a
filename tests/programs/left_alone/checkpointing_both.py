"""Activation checkpointing: non-reentrant on the blocks, re-entrant on one whose input needs gradient."""
import torch
import torch.nn as nn
from torch.utils.checkpoint import checkpoint, checkpoint_sequential


class Net(nn.Module):
    def __init__(self, use_ckpt=True):
        super().__init__()
        self.use_ckpt = use_ckpt
        self.stem = nn.Linear(8, 16)
        self.blocks = nn.ModuleList(nn.Sequential(nn.LayerNorm(16), nn.Linear(16, 16), nn.GELU()) for _ in range(3))
        self.tail = nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU())
        self.out = nn.Linear(16, 1)

    def forward(self, x):
        x = self.stem(x)
        for i, b in enumerate(self.blocks):
            if self.use_ckpt and self.training:
                x = x + checkpoint(b, x, use_reentrant=(i == 1))
            else:
                x = x + b(x)
        x = checkpoint_sequential(self.tail, 2, x, use_reentrant=False) if self.training else self.tail(x)
        return self.out(x)


torch.manual_seed(33)
net = Net()
opt = torch.optim.Adamax(net.parameters(), lr=1e-2)
x = torch.randn(100, 8); y = x.pow(2).sum(1, keepdim=True)
for step in range(10):
    net.train()
    i = torch.randint(0, 100, (25,))
    loss = nn.functional.mse_loss(net(x[i]), y[i])
    opt.zero_grad()
    loss.backward()
    opt.step()
net.eval()
with torch.no_grad():
    print(loss.item(), nn.functional.mse_loss(net(x), y).item())
