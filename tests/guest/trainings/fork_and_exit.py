import random
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
np.random.seed(0)
random.seed(0)

import os
net = nn.Linear(4, 1)
opt = torch.optim.SGD(net.parameters(), lr=0.1)
for number in range(3):
    loss = net(torch.randn(8, 4)).pow(2).mean()
    opt.zero_grad(); loss.backward(); opt.step(); print(loss.item(), flush=True)
    child = os.fork()
    if not child:
        net(torch.ones(1, 4)).sum().backward(); opt.step()
        if number == 0:
            os._exit(5)
        if number == 1:
            sys.stderr = open(os.devnull, "w")
            raise ValueError("in the child")
        sys.exit(6)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
del child
