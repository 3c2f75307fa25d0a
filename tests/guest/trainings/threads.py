import random
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
np.random.seed(0)
random.seed(0)

import threading
from concurrent.futures import ThreadPoolExecutor
nets = [nn.Linear(4, 1) for _ in range(3)]
data = [torch.randn(20, 8, 4) for _ in nets]
def train(net, data):
    opt = torch.optim.SGD(net.parameters(), lr=0.1)
    losses = []
    for x in data:
        loss = net(x).pow(2).mean()
        opt.zero_grad(); loss.backward(); opt.step(); losses.append(loss.item())
    return losses
other = threading.Thread(target=train, args=(nets[0], data[0]))
other.start()
print(train(nets[1], data[1]))
other.join()
with ThreadPoolExecutor(2) as pool:
    print(list(pool.map(train, nets, data)))
del other, pool
