import random
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
np.random.seed(0)
random.seed(0)

enc, dec, teacher = nn.Linear(4, 4), nn.Linear(2, 4), nn.Linear(4, 4).requires_grad_(False)
opt = torch.optim.Adam([*enc.parameters(), *dec.parameters()])
for _ in range(3):
    x = torch.rand(8, 4)
    mu, logvar = enc(x).chunk(2, 1)
    z = mu + torch.randn_like(mu) * (0.5 * logvar).exp()
    out = dec(z)
    with torch.no_grad():
        soft = teacher(x).softmax(1)
    loss = F.mse_loss(out, x) - 0.5 * (1 + logvar - mu**2 - logvar.exp()).mean() + F.kl_div(out.log_softmax(1), soft)
    opt.zero_grad(); loss.backward(); opt.step(); print(loss.item())
