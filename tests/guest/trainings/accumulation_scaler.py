import random
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
np.random.seed(0)
random.seed(0)

net = nn.Linear(4, 1)
opt = torch.optim.SGD(net.parameters(), lr=0.1)
scaler = torch.amp.GradScaler("cpu", init_scale=8.0, growth_interval=1)
for step in range(6):
    loss = net(torch.randn(8, 4)).pow(2).mean() * (float("inf") if step == 2 else 1)
    scaler.scale(loss / 2).backward()
    if step % 2:
        scaler.unscale_(opt); nn.utils.clip_grad_value_(net.parameters(), 0.1)
        scaler.step(opt); scaler.update(); opt.zero_grad()
    print(loss.item(), scaler.get_scale())
