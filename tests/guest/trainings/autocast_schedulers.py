import random
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
np.random.seed(0)
random.seed(0)

net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
one = torch.optim.lr_scheduler.OneCycleLR(opt, 0.2, total_steps=9)
warm = torch.optim.lr_scheduler.LambdaLR(opt, lambda s: min(1.0, (s + 1) / 3))
plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(opt, patience=0)
for _ in range(5):
    with torch.autocast("cpu", torch.bfloat16):
        loss = net(torch.randn(8, 4)).float().pow(2).mean()
    opt.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), 0.5)
    opt.step(); one.step(); warm.step(); plateau.step(loss)
    print(loss.item(), opt.param_groups[0]["lr"])
