import random
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
np.random.seed(0)
random.seed(0)

from torch.nn.utils.parametrizations import spectral_norm
gen, disc = nn.Linear(3, 4), nn.Sequential(spectral_norm(nn.Linear(4, 8)), nn.LeakyReLU(), nn.Linear(8, 1))
g_opt, d_opt = torch.optim.Adam(gen.parameters()), torch.optim.Adam(disc.parameters())
for _ in range(3):
    real, fake = torch.randn(8, 4), gen(torch.randn(8, 3)).detach()
    mix = (real * 0.5 + fake * 0.5).requires_grad_()
    (slope,) = torch.autograd.grad(disc(mix).sum(), mix, create_graph=True)
    d_loss = disc(fake).mean() - disc(real).mean() + 10 * (slope.norm(dim=1) - 1).pow(2).mean()
    d_opt.zero_grad(); d_loss.backward(); d_opt.step()
    g_loss = -disc(gen(torch.randn(8, 3))).mean()
    g_opt.zero_grad(); g_loss.backward(); g_opt.step()
    print(d_loss.item(), g_loss.item())
