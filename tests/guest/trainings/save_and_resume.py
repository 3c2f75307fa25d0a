import random
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
np.random.seed(0)
random.seed(0)

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(4, 4), nn.Dropout(0.3)
    def forward(self, x):
        return self.b(self.a(x))
net = Net()
opt = torch.optim.AdamW(net.parameters())
def train(count):
    for _ in range(count):
        loss = net(torch.randn(8, 4)).pow(2).mean()
        opt.zero_grad(); loss.backward(); opt.step(); print(loss.item())
train(2)
torch.save({"net": net.state_dict(), "opt": opt.state_dict(), "rng": torch.get_rng_state()}, "middle.pt")
torch.save(net, "whole.pt")
held = torch.load("middle.pt", weights_only=True)
net = torch.load("whole.pt", weights_only=False)
net.load_state_dict(held["net"])
opt = torch.optim.AdamW(net.parameters())
opt.load_state_dict(held["opt"])
torch.set_rng_state(held["rng"])
train(2)
torch.save(net, "end.pt")
