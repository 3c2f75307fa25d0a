import random
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
np.random.seed(0)
random.seed(0)

class Double(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * 2
    @staticmethod
    def backward(ctx, g):
        return g * 2
net = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 1))
net[0].register_forward_hook(lambda m, i, o: print("forward", o.sum().item()) or o * 1.5)
net[1].register_full_backward_hook(lambda m, gi, go: print("backward", go[0].sum().item()))
net[0].weight.register_hook(lambda g: g * 0.5)
net[0].bias.register_post_accumulate_grad_hook(lambda p: print("accumulated", p.grad.sum().item()))
opt = torch.optim.SGD(net.parameters(), lr=0.1)
for _ in range(3):
    loss = Double.apply(net(torch.randn(8, 4))).pow(2).mean()
    opt.zero_grad(); loss.backward(); opt.step(); print(loss.item())
