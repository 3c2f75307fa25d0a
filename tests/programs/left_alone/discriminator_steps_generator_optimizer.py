# expect-note: GF301 self.discriminator.*
import torch
from torch import nn


class GAN:
    def __init__(self, latent=6, data=4, lr=2e-3):
        self.latent = latent
        self.generator = nn.Sequential(nn.Linear(latent, 24), nn.LeakyReLU(0.2), nn.Linear(24, data))
        self.discriminator = nn.Sequential(nn.Linear(data, 24), nn.LeakyReLU(0.2), nn.Linear(24, 1))
        self.generator_optimizer = torch.optim.Adam(self.generator.parameters(), lr=lr, betas=(0.5, 0.999))
        self.discriminator_optimizer = torch.optim.Adam(self.discriminator.parameters(), lr=lr, betas=(0.5, 0.999))
        self.criterion = nn.BCEWithLogitsLoss()

    def sample(self, count):
        return self.generator(torch.randn(count, self.latent))

    def discriminator_step(self, real):
        fake = self.sample(len(real)).detach()
        real_scores, fake_scores = self.discriminator(real), self.discriminator(fake)
        loss = self.criterion(real_scores, torch.ones_like(real_scores))
        loss = loss + self.criterion(fake_scores, torch.zeros_like(fake_scores))
        self.discriminator_optimizer.zero_grad()
        loss.backward()
        self.discriminator_optimizer.step()
        return loss.item()

    def generator_step(self, count):
        scores = self.discriminator(self.sample(count))
        loss = self.criterion(scores, torch.ones_like(scores))
        self.generator_optimizer.zero_grad()
        loss.backward()
        self.generator_optimizer.step()
        self.generator_optimizer.zero_grad()
        return loss.item()

    def fit(self, batches):
        for step, real in enumerate(batches):
            discriminator_loss = self.discriminator_step(real)
            generator_loss = self.generator_step(len(real))
            print(f"step {step} discriminator {discriminator_loss:.4f} generator {generator_loss:.4f}")


if __name__ == "__main__":
    torch.manual_seed(83)
    GAN().fit([torch.randn(12, 4) * 0.5 + 1 for _ in range(5)])
