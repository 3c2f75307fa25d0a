# expect-note: GF301 trainer.discriminator.*
from dataclasses import dataclass

import torch
from torch import nn


@dataclass
class Config:
    latent: int = 10
    channels: int = 8
    batch: int = 12
    steps: int = 4
    lr: float = 2e-4


class Generator(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.project = nn.Linear(cfg.latent, cfg.channels * 4 * 4)
        self.up = nn.ConvTranspose2d(cfg.channels, 1, 4, stride=2, padding=1)

    def forward(self, z):
        h = torch.relu(self.project(z)).view(z.size(0), -1, 4, 4)
        return torch.tanh(self.up(h))


class Discriminator(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.conv = nn.Conv2d(1, cfg.channels, 4, stride=2, padding=1)
        self.score = nn.Linear(cfg.channels * 4 * 4, 1)

    def forward(self, image):
        return self.score(nn.functional.leaky_relu(self.conv(image), 0.2).flatten(1)).squeeze(1)


class GanTrainer:
    def __init__(self, cfg):
        self.cfg = cfg
        self.generator = Generator(cfg)
        self.discriminator = Discriminator(cfg)
        self.criterion = nn.BCEWithLogitsLoss()
        self.opt_g = torch.optim.Adam(self.generator.parameters(), lr=cfg.lr, betas=(0.5, 0.999))
        self.opt_d = torch.optim.Adam(self.discriminator.parameters(), lr=cfg.lr, betas=(0.5, 0.999))

    def train_batch(self, real):
        valid = torch.ones(real.size(0))
        fake = self.generator(torch.randn(real.size(0), self.cfg.latent))

        self.opt_d.zero_grad()
        d_loss = self.criterion(self.discriminator(real), valid)
        d_loss = d_loss + self.criterion(self.discriminator(fake.detach()), torch.zeros_like(valid))
        d_loss.backward()
        self.opt_d.step()

        self.opt_g.zero_grad()
        g_loss = self.criterion(self.discriminator(fake), valid)
        g_loss.backward()
        self.opt_g.step()
        return d_loss.item(), g_loss.item()


if __name__ == "__main__":
    torch.manual_seed(1)
    trainer = GanTrainer(Config())
    for step in range(trainer.cfg.steps):
        print(step, *trainer.train_batch(torch.rand(trainer.cfg.batch, 1, 8, 8) * 2 - 1))
