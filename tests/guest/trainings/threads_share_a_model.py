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

# Both do the same, so it is all one which of them comes first.
net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
made, turn = [0, 0], threading.Lock()
def train(number):
    opt = torch.optim.SGD(net.parameters(), lr=1e-3)
    for _ in range(200):
        with turn:
            loss = net(torch.ones(8, 4)).pow(2).mean()
            opt.zero_grad(); loss.backward(); opt.step(); made[number] += 1
other = threading.Thread(target=train, args=(1,))
other.start()
train(0)
other.join()
print(made)
del other, turn
