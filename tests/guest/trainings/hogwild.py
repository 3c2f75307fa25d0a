import random
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
np.random.seed(0)
random.seed(0)

import torch.multiprocessing as mp
def work(net):
    opt = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(3):
        opt.zero_grad(); net(torch.ones(2, 4)).pow(2).mean().backward(); opt.step()
net = nn.Linear(4, 1)
opt = torch.optim.SGD(net.parameters(), lr=0.1)
if __name__ == "__main__":
    net.share_memory()
    for _ in range(2):
        opt.zero_grad(); loss = net(torch.randn(2, 4)).pow(2).mean(); loss.backward(); opt.step(); print(loss.item())
        child = mp.get_context("fork").Process(target=work, args=(net,))
        child.start(); child.join()
    del child
