# expect-note: GF301 netD.*
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(3)
NZ, BATCH = 8, 32
netG = nn.Sequential(nn.Linear(NZ, 32), nn.ReLU(), nn.Linear(32, 2))
netD = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))
optG = torch.optim.Adam(netG.parameters(), lr=2e-4, betas=(0.5, 0.999))
optD = torch.optim.Adam(netD.parameters(), lr=2e-4, betas=(0.5, 0.999))


def real_batch():
    t = torch.rand(BATCH) * 6.28
    return torch.stack([t.cos(), t.sin()], 1)


ones, zeros = torch.ones(BATCH, 1), torch.zeros(BATCH, 1)
for it in range(6):
    # generator first
    optG.zero_grad()
    fake = netG(torch.randn(BATCH, NZ))
    g_loss = F.binary_cross_entropy_with_logits(netD(fake), ones)
    g_loss.backward()
    optG.step()

    # then the discriminator
    optD.zero_grad()
    d_real = F.binary_cross_entropy_with_logits(netD(real_batch()), ones)
    d_fake = F.binary_cross_entropy_with_logits(netD(fake.detach()), zeros)
    d_loss = 0.5 * (d_real + d_fake)
    d_loss.backward()
    optD.step()
    print(f"[{it}] g {g_loss.item():.3f} d {d_loss.item():.3f}")
