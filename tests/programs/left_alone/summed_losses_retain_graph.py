import torch
import torch.nn.functional as F
from torch import nn


class MultiTask(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(6, 16), nn.ReLU())
        self.heads = nn.ModuleList([nn.Linear(16, 1), nn.Linear(16, 1)])


def train_step(net, optimizer, x, targets):
    optimizer.zero_grad()
    hidden = net.trunk(x)
    for head, y in zip(net.heads, targets, strict=True):
        F.mse_loss(head(hidden), y).backward(retain_graph=True)
    optimizer.step()


net = MultiTask()
optimizer = torch.optim.Adam(net.parameters())
for _ in range(5):
    train_step(net, optimizer, torch.randn(8, 6), torch.randn(2, 8, 1))
