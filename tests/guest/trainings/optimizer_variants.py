import random
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
np.random.seed(0)
random.seed(0)

for make in (lambda p: torch.optim.AdamW(p, fused=True), lambda p: torch.optim.AdamW(p, foreach=True),
             lambda p: torch.optim.Adagrad(p), lambda p: torch.optim.RMSprop(p, centered=True)):
    net = nn.Linear(4, 2)
    opt = make(net.parameters())
    for _ in range(2):
        loss = net(torch.randn(8, 4)).pow(2).mean()
        opt.zero_grad(); loss.backward(); opt.step(); print(loss.item())
table = nn.Embedding(10, 4, sparse=True)
sparse = torch.optim.SparseAdam(table.parameters())
for _ in range(2):
    loss = table(torch.randint(10, (3,))).pow(2).sum()
    sparse.zero_grad(); loss.backward(); sparse.step(); print(loss.item())
