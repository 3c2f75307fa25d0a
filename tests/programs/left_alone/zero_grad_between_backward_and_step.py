import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(52)


class Pix2Pix:
    def __init__(self):
        self.net_g = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 3, padding=1))
        self.net_d = nn.Sequential(nn.Conv2d(2, 8, 3, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(8, 1, 3, 1, 1))
        self.optim_g = torch.optim.Adam(self.net_g.parameters(), lr=2e-4, betas=(0.5, 0.999))
        self.optim_d = torch.optim.Adam(self.net_d.parameters(), lr=2e-4, betas=(0.5, 0.999))

    def set_input(self, a, b):
        self.real_a, self.real_b = a, b

    def backward_d(self):
        fake = self.net_d(torch.cat([self.real_a, self.fake_b.detach()], 1))
        real = self.net_d(torch.cat([self.real_a, self.real_b], 1))
        self.loss_d = F.mse_loss(fake, torch.zeros_like(fake)) + F.mse_loss(real, torch.ones_like(real))
        self.loss_d.backward()

    def backward_g(self):
        pred = self.net_d(torch.cat([self.real_a, self.fake_b], 1))
        self.loss_g = F.mse_loss(pred, torch.ones_like(pred)) + 10 * F.l1_loss(self.fake_b, self.real_b)
        self.loss_g.backward()

    def optimize(self):
        self.fake_b = self.net_g(self.real_a)
        self.optim_d.zero_grad()
        self.backward_d()
        self.optim_d.step()
        self.net_d.requires_grad_(False)
        self.optim_g.zero_grad()
        self.backward_g()
        self.net_d.requires_grad_(True)
        self.optim_g.step()


model = Pix2Pix()
for i in range(5):
    a = torch.rand(2, 1, 8, 8)
    model.set_input(a, 1 - a)
    model.optimize()
    print(i, model.loss_d.item(), model.loss_g.item())
