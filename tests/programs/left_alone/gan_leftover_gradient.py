# expect-note: GF301 disc*
import torch
from torch import nn

torch.manual_seed(8)
gen = nn.Sequential(nn.Linear(3, 24), nn.ReLU(), nn.Linear(24, 2))
disc = nn.Sequential(nn.Linear(2, 24), nn.LeakyReLU(0.2), nn.Linear(24, 1))
g_opt = torch.optim.Adam(gen.parameters(), 1e-3)
d_opt = torch.optim.Adam(disc.parameters(), 1e-3)
bce = nn.BCEWithLogitsLoss()


def d_step(real):
    fake = gen(torch.randn(len(real), 3)).detach()
    loss = bce(disc(real), torch.ones(len(real), 1)) + bce(disc(fake), torch.zeros(len(real), 1))
    d_opt.zero_grad()
    loss.backward()
    d_opt.step()
    return loss.item()


def g_step(n):
    loss = bce(disc(gen(torch.randn(n, 3))), torch.ones(n, 1))
    g_opt.zero_grad()
    loss.backward()
    g_opt.step()
    return loss.item()


for it in range(12):
    real = torch.randn(32, 2) * 0.2 + 1
    print(it, d_step(real), g_step(32))
