# expect: blockage *mapping.*
# expect-note: GF301 trainer.discriminator.*
import torch
from torch import nn
from torch.nn import functional as F


class StyleGanTrainer:
    def __init__(self, noise_size=8, latent_size=16, lr=1e-3):
        self.noise_size = noise_size
        self.mapping = nn.Sequential(
            nn.Linear(noise_size, latent_size), nn.LeakyReLU(0.2), nn.Linear(latent_size, latent_size)
        )
        self.synthesis = nn.Sequential(nn.Linear(latent_size, 32), nn.LeakyReLU(0.2), nn.Linear(32, 20), nn.Tanh())
        self.discriminator = nn.Sequential(nn.Linear(20, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))
        generator_parameters = [*self.mapping.parameters(), *self.synthesis.parameters()]
        self.opt_g = torch.optim.Adam(generator_parameters, lr=lr, betas=(0.0, 0.99))
        self.opt_d = torch.optim.Adam(self.discriminator.parameters(), lr=lr, betas=(0.0, 0.99))

    def sample_latents(self, n):
        return self.mapping(torch.randn(n, self.noise_size)).detach()  # <- blame

    def discriminator_step(self, real):
        fake = self.synthesis(self.sample_latents(len(real))).detach()
        loss = F.softplus(self.discriminator(fake)).mean() + F.softplus(-self.discriminator(real)).mean()
        self.opt_d.zero_grad()
        loss.backward()
        self.opt_d.step()
        return loss.item()

    def generator_step(self, n):
        fake = self.synthesis(self.sample_latents(n))
        loss = F.softplus(-self.discriminator(fake)).mean()
        self.opt_g.zero_grad()
        loss.backward()
        self.opt_g.step()
        return loss.item()


torch.manual_seed(0)
trainer = StyleGanTrainer()
for step in range(5):
    real = torch.tanh(torch.randn(16, 20))
    d_loss = trainer.discriminator_step(real)
    g_loss = trainer.generator_step(16)
    print(f"step {step} d {d_loss:.3f} g {g_loss:.3f}")
