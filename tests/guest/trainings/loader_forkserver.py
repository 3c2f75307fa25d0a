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

net = nn.Linear(4, 1)
opt = torch.optim.SGD(net.parameters(), lr=0.1)
if __name__ == "__main__":
    loader = DataLoader(TensorDataset(torch.randn(8, 4)), batch_size=4, shuffle=True, num_workers=1,
                        persistent_workers=True, multiprocessing_context="forkserver")
    for epoch in range(2):
        for (x,) in loader:
            loss = net(x).pow(2).mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
            print(loss.item())
    del loader
