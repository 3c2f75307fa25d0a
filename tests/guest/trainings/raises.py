import random
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
np.random.seed(0)
random.seed(0)

import logging, warnings
logging.basicConfig(stream=sys.stdout, level=logging.INFO)
warnings.simplefilter("always")
net = nn.Linear(4, 1)
opt = torch.optim.SGD(net.parameters(), lr=0.1)
for step in range(3):
    loss = net(torch.randn(8, 4)).pow(2).mean()
    opt.zero_grad(); loss.backward(); opt.step(); logging.info("loss %s", loss.item())
    warnings.warn("a warning of the program's own")
    F.mse_loss(torch.ones(2, 1), torch.ones(2))
try:
    net(torch.randn(8, 5))
except RuntimeError as error:
    print(type(error), error)
net(torch.randn(8, 6))
