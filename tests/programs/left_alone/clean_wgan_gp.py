# expect-note: GF301 critic.*
import argparse

import torch
from torch import autograd, nn
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=2)
parser.add_argument("--batch_size", type=int, default=32)
parser.add_argument("--latent_dim", type=int, default=8)
parser.add_argument("--n_critic", type=int, default=2)
parser.add_argument("--lambda_gp", type=float, default=10.0)
parser.add_argument("--lr", type=float, default=1e-4)


def make_generator(latent_dim):
    return nn.Sequential(
        nn.Linear(latent_dim, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 2)
    )


def make_critic():
    # the Wasserstein distance does not depend on an offset of the critic, so the last layer has none
    return nn.Sequential(
        nn.Linear(2, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1, bias=False)
    )


def compute_gradient_penalty(critic, real_samples, fake_samples):
    alpha = torch.rand(real_samples.size(0), 1)
    interpolates = (alpha * real_samples + (1 - alpha) * fake_samples).requires_grad_(True)
    d_interpolates = critic(interpolates)
    gradients = autograd.grad(
        outputs=d_interpolates,
        inputs=interpolates,
        grad_outputs=torch.ones_like(d_interpolates),
        create_graph=True,
        retain_graph=True,
        only_inputs=True,
    )[0]
    return ((gradients.norm(2, dim=1) - 1) ** 2).mean()


def main():
    opt = parser.parse_args()
    torch.manual_seed(1)
    angles = torch.rand(256) * 6.2832
    data = torch.stack([angles.cos(), angles.sin()], dim=1) + 0.05 * torch.randn(256, 2)
    loader = DataLoader(TensorDataset(data), batch_size=opt.batch_size, shuffle=True, drop_last=True)

    generator, critic = make_generator(opt.latent_dim), make_critic()
    optimizer_G = torch.optim.Adam(generator.parameters(), lr=opt.lr, betas=(0.5, 0.9))
    optimizer_D = torch.optim.Adam(critic.parameters(), lr=opt.lr, betas=(0.5, 0.9))

    for epoch in range(opt.epochs):
        for i, (real,) in enumerate(loader):
            optimizer_D.zero_grad()
            z = torch.randn(real.size(0), opt.latent_dim)
            fake = generator(z).detach()
            gradient_penalty = compute_gradient_penalty(critic, real, fake)
            d_loss = -critic(real).mean() + critic(fake).mean() + opt.lambda_gp * gradient_penalty
            d_loss.backward()
            optimizer_D.step()

            if (i + 1) % opt.n_critic == 0:
                optimizer_G.zero_grad()
                g_loss = -critic(generator(z)).mean()
                g_loss.backward()
                optimizer_G.step()
                print(f"epoch {epoch} batch {i} D {d_loss.item():.4f} G {g_loss.item():.4f}")


if __name__ == "__main__":
    main()
