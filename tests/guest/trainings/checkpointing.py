import random
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
np.random.seed(0)
random.seed(0)

from torch.utils.checkpoint import checkpoint
net = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 1))
opt = torch.optim.Adam(net.parameters())
for reentrant in (False, True, False, True):
    x = torch.randn(8, 4, requires_grad=True)
    loss = checkpoint(net, x, use_reentrant=reentrant).pow(2).mean()
    opt.zero_grad(); loss.backward(); opt.step(); print(loss.item())
