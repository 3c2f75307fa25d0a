# expect-note: GF301 netD.*
import argparse

import torch
from torch import nn


def make_generator(nz, width):
    return nn.Sequential(nn.Linear(nz, width), nn.GELU(), nn.Linear(width, 2))


def make_discriminator(width):
    return nn.Sequential(nn.Linear(2, width), nn.LeakyReLU(0.2), nn.Linear(width, 1))


def sample_ring(n):
    angle = torch.rand(n) * 6.2832
    return torch.stack([angle.cos(), angle.sin()], dim=1) + 0.05 * torch.randn(n, 2)


def train(netG, netD, opt):
    criterion = nn.BCEWithLogitsLoss()
    optimizerD = torch.optim.Adam(netD.parameters(), lr=opt.lr, betas=(0.5, 0.999))
    optimizerG = torch.optim.Adam(netG.parameters(), lr=opt.lr, betas=(0.5, 0.999))
    real_label, fake_label = torch.ones(opt.batch, 1), torch.zeros(opt.batch, 1)
    for i in range(opt.niter):
        netD.zero_grad()
        errD_real = criterion(netD(sample_ring(opt.batch)), real_label)
        errD_real.backward()
        fake = netG(torch.randn(opt.batch, opt.nz))
        errD_fake = criterion(netD(fake.detach()), fake_label)
        errD_fake.backward()
        optimizerD.step()

        netG.zero_grad()
        errG = criterion(netD(fake), real_label)
        errG.backward()
        optimizerG.step()
        print(f"[{i}/{opt.niter}] Loss_D: {(errD_real + errD_fake).item():.4f} Loss_G: {errG.item():.4f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--niter", type=int, default=5)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--nz", type=int, default=8)
    parser.add_argument("--lr", type=float, default=2e-4)
    opt = parser.parse_args()
    torch.manual_seed(26)
    train(make_generator(opt.nz, 32), make_discriminator(32), opt)
