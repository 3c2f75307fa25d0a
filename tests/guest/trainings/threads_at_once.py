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

def train(net, data, losses):
    opt = torch.optim.SGD(net.parameters(), lr=0.1)
    for x in data:
        loss = net(x).pow(2).mean()
        opt.zero_grad(); loss.backward(); opt.step(); losses.append(loss.item())
nets = [nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1)) for _ in range(3)]
data, losses = torch.randn(3, 300, 8, 4), [[], [], []]
seen, over = [], threading.Event()
def log():
    while not over.is_set():
        seen.append(sum(p.detach().norm().item() for p in nets[0].parameters()))
others = [threading.Thread(target=train, args=(nets[i], data[i], losses[i])) for i in (1, 2)]
logger = threading.Thread(target=log)
for thread in (*others, logger):
    thread.start()
train(nets[0], data[0], losses[0])
for thread in others:
    thread.join()
over.set()
logger.join()
print(losses)
del others, logger, thread, seen, over
