# options: --compile=opaque
import random
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
np.random.seed(0)
random.seed(0)

net = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.GELU(), nn.Linear(8, 1))
fast = torch.compile(net)
opt = torch.optim.AdamW(net.parameters())
for _ in range(4):
    loss = fast(torch.randn(8, 4)).pow(2).mean()
    opt.zero_grad(); loss.backward(); opt.step(); print(loss.item())
print(torch.rand(1).item())
del fast
