import random
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
np.random.seed(0)
random.seed(0)

net = nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 2, 32, batch_first=True), 2)
opt = torch.optim.SGD(net.parameters(), lr=0.1)
mask = torch.zeros(3, 5, dtype=torch.bool)
mask[0, 3:] = True
for _ in range(2):
    opt.zero_grad(); loss = net(torch.randn(3, 5, 16)).pow(2).mean(); loss.backward(); opt.step()
    net.eval()
    with torch.no_grad():
        print(repr(net(torch.ones(3, 5, 16), src_key_padding_mask=mask).double().sum().item()))
    with torch.inference_mode():
        print(net(torch.ones(3, 5, 16)).sum().item())
    net.train()
