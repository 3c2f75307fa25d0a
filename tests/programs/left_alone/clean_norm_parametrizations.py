import torch
import torch.nn as nn
from torch.nn.functional import softplus
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

torch.manual_seed(0)

latent_dim = 8
generator = nn.Sequential(
    weight_norm(nn.Linear(latent_dim, 32)),
    nn.ReLU(),
    weight_norm(nn.Linear(32, 2)),
)
discriminator = nn.Sequential(
    spectral_norm(nn.Linear(2, 32)),
    nn.LeakyReLU(0.2),
    spectral_norm(nn.Linear(32, 32)),
    nn.LeakyReLU(0.2),
    spectral_norm(nn.Linear(32, 1)),
)

opt_g = torch.optim.Adam(generator.parameters(), lr=2e-4, betas=(0.0, 0.9))
opt_d = torch.optim.Adam(discriminator.parameters(), lr=4e-4, betas=(0.0, 0.9))


def real_batch(n):
    angle = 2 * torch.pi * torch.rand(n)
    return torch.stack([angle.cos(), angle.sin()], dim=1)


for step in range(5):
    real = real_batch(32)

    # discriminator
    with torch.no_grad():
        fake = generator(torch.randn(32, latent_dim))
    d_loss = softplus(-discriminator(real)).mean() + softplus(discriminator(fake)).mean()
    opt_d.zero_grad()
    d_loss.backward()
    opt_d.step()

    # generator: the discriminator only passes the gradient on
    discriminator.requires_grad_(False)
    g_loss = softplus(-discriminator(generator(torch.randn(32, latent_dim)))).mean()
    opt_g.zero_grad()
    g_loss.backward()
    opt_g.step()
    discriminator.requires_grad_(True)

    print(f"step {step}: d {d_loss.item():.3f} g {g_loss.item():.3f}")
