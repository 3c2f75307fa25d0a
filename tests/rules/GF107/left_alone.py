# expect-note: GF301 discriminator.*
import torch
from torch import nn

torch.manual_seed(6)
generator = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 6))
discriminator = nn.Sequential(nn.Linear(6, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1))
opt_g = torch.optim.Adam(generator.parameters(), lr=1e-3)
opt_d = torch.optim.Adam(discriminator.parameters(), lr=1e-3)
softplus = nn.functional.softplus

for step in range(5):
    real, noise = torch.randn(16, 6) + 1, torch.randn(16, 4)
    loss_g = softplus(-discriminator(generator(noise))).mean()
    opt_g.zero_grad()
    loss_g.backward()  # <- blame
    opt_g.step()

    loss_d = softplus(-discriminator(real)).mean() + softplus(discriminator(generator(noise).detach())).mean()
    opt_d.zero_grad()
    loss_d.backward()
    opt_d.step()
    print(step, loss_g.item(), loss_d.item())
