# expect-note: GF301 d_head*
"""InfoGAN: D and Q share a trunk; D's optimizer owns trunk + D head, the info optimizer owns G + Q head."""
import itertools
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(23)
trunk = nn.Sequential(nn.Linear(6, 32), nn.LeakyReLU(0.1))
d_head = nn.Linear(32, 1)
q_head = nn.Linear(32, 3)
gen = nn.Sequential(nn.Linear(5 + 3, 32), nn.ReLU(), nn.Linear(32, 6))

d_optim = torch.optim.Adam(itertools.chain(trunk.parameters(), d_head.parameters()), lr=1e-3)
g_optim = torch.optim.Adam([{"params": gen.parameters()}, {"params": q_head.parameters(), "lr": 5e-4}], lr=2e-3)


def latent(n):
    c = torch.randint(0, 3, (n,))
    return torch.cat([torch.randn(n, 5), F.one_hot(c, 3).float()], 1), c


bce = nn.BCEWithLogitsLoss()
for i in range(15):
    real = torch.randn(48, 6) + F.one_hot(torch.randint(0, 3, (48,)), 6).float() * 2
    z, c = latent(48)
    fake = gen(z)

    d_optim.zero_grad()                          # also drops what the generator's pass left on the trunk
    p_real, p_fake = d_head(trunk(real)), d_head(trunk(fake.detach()))
    loss_d = bce(p_real, torch.full_like(p_real, 0.9)) + bce(p_fake, torch.zeros_like(p_fake))
    loss_d.backward()
    d_optim.step()

    g_optim.zero_grad()
    h = trunk(fake)
    p = d_head(h)
    loss_g = bce(p, torch.ones_like(p)) + F.cross_entropy(q_head(h), c)
    loss_g.backward()
    g_optim.step()
    if i % 5 == 0:
        print(i, loss_d.item(), loss_g.item())
