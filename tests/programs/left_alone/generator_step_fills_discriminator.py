import torch
from torch import nn


class Trainer:
    def __init__(self):
        self.generator = nn.Sequential(nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 2))
        self.discriminator = nn.Sequential(nn.Linear(2, 24), nn.LeakyReLU(0.2), nn.Linear(24, 1))
        self.opt_g = torch.optim.Adam(self.generator.parameters(), lr=2e-4)
        self.opt_d = torch.optim.Adam(self.discriminator.parameters(), lr=2e-4)
        self.criterion = nn.BCEWithLogitsLoss()

    def discriminator_step(self, real, fake):
        self.opt_d.zero_grad()
        scores = torch.cat([self.discriminator(real), self.discriminator(fake.detach())])
        labels = torch.cat([torch.ones(len(real), 1), torch.zeros(len(fake), 1)])
        loss = self.criterion(scores, labels)
        loss.backward()
        self.opt_d.step()
        return loss.item()

    def generator_step(self, fake):
        self.opt_g.zero_grad()
        self.discriminator.requires_grad_(False)
        loss = self.criterion(self.discriminator(fake), torch.ones(len(fake), 1))
        loss.backward()
        self.discriminator.requires_grad_(True)
        self.opt_g.step()
        return loss.item()

    def fit(self, steps):
        for _ in range(steps):
            real = torch.randn(16, 2) * 0.3 + 1
            fake = self.generator(torch.randn(16, 6))
            print(self.discriminator_step(real, fake), self.generator_step(fake))


Trainer().fit(5)
