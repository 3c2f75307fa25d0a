# expect-note: GF301 disc.*
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(50)
LATENT = 6


class Gen(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(LATENT, 24), nn.Linear(24, 4)

    def forward(self, z):
        return self.fc2(F.relu(self.fc1(z)))


class Disc(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(4, 24), nn.Linear(24, 1)

    def forward(self, x):
        return self.fc2(F.leaky_relu(self.fc1(x), 0.2))


gen, disc = Gen(), Disc()
g_opt = torch.optim.Adam(gen.parameters(), 1e-3)
d_opt = torch.optim.Adam(disc.parameters(), 1e-3)
for step in range(6):
    real = torch.randn(32, 4).cumsum(1)
    g_opt.zero_grad()
    d_opt.zero_grad()
    fake = gen(torch.randn(32, LATENT))

    # non-saturating loss for D
    d_loss = F.softplus(-disc(real)).mean() + F.softplus(disc(fake.detach())).mean()
    d_loss.backward()
    d_opt.step()

    # generator
    g_loss = F.softplus(-disc(fake)).mean()
    g_loss.backward()
    g_opt.step()
    print(step, d_loss.item(), g_loss.item())
