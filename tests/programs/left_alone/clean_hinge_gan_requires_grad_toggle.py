import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm


class Generator(nn.Module):
    def __init__(self, z_dim=32, channels=16):
        super().__init__()
        self.channels = channels
        self.fc = nn.Linear(z_dim, channels * 16)
        self.up1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.up2 = nn.Conv2d(channels, channels // 2, 3, padding=1)
        self.to_rgb = nn.Conv2d(channels // 2, 3, 3, padding=1)

    def forward(self, z):
        h = F.relu(self.fc(z)).view(-1, self.channels, 4, 4)
        h = F.relu(self.up1(F.interpolate(h, scale_factor=2)))
        h = F.relu(self.up2(F.interpolate(h, scale_factor=2)))
        return torch.tanh(self.to_rgb(h))


class Discriminator(nn.Module):
    def __init__(self, channels=16):
        super().__init__()
        self.conv1 = spectral_norm(nn.Conv2d(3, channels, 4, 2, 1))
        self.conv2 = spectral_norm(nn.Conv2d(channels, channels * 2, 4, 2, 1))
        self.fc = spectral_norm(nn.Linear(channels * 2, 1, bias=False))

    def forward(self, x):
        h = F.leaky_relu(self.conv1(x), 0.1)
        h = F.leaky_relu(self.conv2(h), 0.1)
        return self.fc(h.sum(dim=(2, 3)))


def set_requires_grad(net, flag):
    for p in net.parameters():
        p.requires_grad = flag


def d_loss_fn(real_logits, fake_logits):
    return F.relu(1.0 - real_logits).mean() + F.relu(1.0 + fake_logits).mean()


def train(steps=6, batch=16, z_dim=32):
    G, D = Generator(z_dim), Discriminator()
    opt_g = torch.optim.Adam(G.parameters(), lr=1e-4, betas=(0.0, 0.9))
    opt_d = torch.optim.Adam(D.parameters(), lr=4e-4, betas=(0.0, 0.9))
    for step in range(steps):
        real = torch.rand(batch, 3, 16, 16) * 2 - 1

        set_requires_grad(D, True)
        with torch.no_grad():
            fake = G(torch.randn(batch, z_dim))
        d_loss = d_loss_fn(D(real), D(fake))
        opt_d.zero_grad()
        d_loss.backward()
        opt_d.step()

        set_requires_grad(D, False)
        g_loss = -D(G(torch.randn(batch, z_dim))).mean()
        opt_g.zero_grad()
        g_loss.backward()
        opt_g.step()
        print(f"step {step} d_loss {d_loss.item():.4f} g_loss {g_loss.item():.4f}")
    return G, D


if __name__ == "__main__":
    torch.manual_seed(0)
    train()
