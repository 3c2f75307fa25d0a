import random
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
np.random.seed(0)
random.seed(0)

from torch.func import functional_call, grad, vmap
net = nn.Linear(3, 1)
opt = torch.optim.SGD(net.parameters(), lr=0.1)
def loss_of(parameters, x, y):
    return F.mse_loss(functional_call(net, parameters, x), y)
for _ in range(3):
    parameters = dict(net.named_parameters())
    x, y = torch.randn(2, 5, 3), torch.randn(2, 5, 1)
    def task(x, y):
        inner = grad(loss_of)(parameters, x, y)
        return loss_of({k: v - 0.1 * inner[k] for k, v in parameters.items()}, x, y)
    loss = vmap(task)(x, y).mean()
    opt.zero_grad(); loss.backward(); opt.step(); print(loss.item())
