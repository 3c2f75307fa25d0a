import random
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
np.random.seed(0)
random.seed(0)

from torch.utils.data import DataLoader, TensorDataset
data = TensorDataset(torch.randn(24, 4))
net = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 1))
opt = torch.optim.AdamW(net.parameters())
for workers in (0, 1, 2):
    for (x,) in DataLoader(data, batch_size=8, shuffle=True, num_workers=workers):
        loss = net(x).pow(2).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        print(loss.item())
