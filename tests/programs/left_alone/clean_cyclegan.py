import itertools
import random

import torch
import torch.nn.functional as F
from torch import nn


def conv_block(cin, cout, k, s, p, act):
    return [nn.Conv2d(cin, cout, k, s, p, bias=False), nn.InstanceNorm2d(cout), act]


def define_G():
    down, up = conv_block(3, 16, 3, 2, 1, nn.ReLU(True)), conv_block(16, 8, 3, 1, 1, nn.ReLU(True))
    return nn.Sequential(*down, nn.Upsample(scale_factor=2), *up, nn.Conv2d(8, 3, 3, padding=1), nn.Tanh())


def define_D():
    middle = conv_block(8, 16, 4, 2, 1, nn.LeakyReLU(0.2, True))
    return nn.Sequential(nn.Conv2d(3, 8, 4, 2, 1), nn.LeakyReLU(0.2, True), *middle, nn.Conv2d(16, 1, 3, padding=1))


class ImagePool:
    def __init__(self, pool_size=4):
        self.pool_size, self.images = pool_size, []

    def query(self, images):
        images = list(images.detach().unsqueeze(1))
        for i, image in enumerate(images):
            if len(self.images) < self.pool_size:
                self.images.append(image)
            elif random.random() > 0.5:
                k = random.randrange(self.pool_size)
                images[i], self.images[k] = self.images[k], image
        return torch.cat(images)


def set_requires_grad(nets, flag):
    for param in itertools.chain.from_iterable(net.parameters() for net in nets):
        param.requires_grad = flag


class CycleGANModel:
    def __init__(self, lr=2e-4):
        self.netG_A, self.netG_B, self.netD_A, self.netD_B = define_G(), define_G(), define_D(), define_D()
        self.pool_A, self.pool_B = ImagePool(), ImagePool()
        params_G = itertools.chain(self.netG_A.parameters(), self.netG_B.parameters())
        params_D = itertools.chain(self.netD_A.parameters(), self.netD_B.parameters())
        self.optimizer_G = torch.optim.Adam(params_G, lr, (0.5, 0.999))
        self.optimizer_D = torch.optim.Adam(params_D, lr, (0.5, 0.999))

    def backward_D(self, netD, real, fake):
        loss = 0.5 * ((netD(real) - 1).pow(2).mean() + netD(fake).pow(2).mean())
        loss.backward()
        return loss.item()

    def optimize_parameters(self, real_A, real_B):
        fake_B, fake_A = self.netG_A(real_A), self.netG_B(real_B)
        set_requires_grad([self.netD_A, self.netD_B], False)
        gan = (self.netD_A(fake_B) - 1).pow(2).mean() + (self.netD_B(fake_A) - 1).pow(2).mean()
        cycle = F.l1_loss(self.netG_B(fake_B), real_A) + F.l1_loss(self.netG_A(fake_A), real_B)
        idt = F.l1_loss(self.netG_A(real_B), real_B) + F.l1_loss(self.netG_B(real_A), real_A)
        loss_G = gan + 10.0 * cycle + 5.0 * idt
        self.optimizer_G.zero_grad()
        loss_G.backward()
        self.optimizer_G.step()
        set_requires_grad([self.netD_A, self.netD_B], True)
        self.optimizer_D.zero_grad()
        loss_D_A = self.backward_D(self.netD_A, real_B, self.pool_B.query(fake_B))
        loss_D_B = self.backward_D(self.netD_B, real_A, self.pool_A.query(fake_A))
        self.optimizer_D.step()
        return loss_G.item(), loss_D_A, loss_D_B


if __name__ == "__main__":
    torch.manual_seed(0)
    random.seed(0)
    model = CycleGANModel()
    for total_iters in range(4):
        print(total_iters, model.optimize_parameters(torch.rand(2, 3, 16, 16) * 2 - 1, torch.rand(2, 3, 16, 16) - 0.5))
