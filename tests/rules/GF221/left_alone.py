# expect-note: GF301 discriminator.*
import torch
from torch import nn

torch.manual_seed(30)
generator = nn.Sequential(nn.Linear(3, 12), nn.ReLU(), nn.Linear(12, 5))
discriminator = nn.Sequential(nn.Linear(5, 12), nn.LeakyReLU(0.2), nn.Linear(12, 1))
opt_g = torch.optim.Adam(generator.parameters(), lr=1e-3)
opt_d = torch.optim.Adam(discriminator.parameters(), lr=1e-3)
softplus = nn.functional.softplus

for step in range(6):
    real, noise = torch.randn(16, 5) + 1, torch.randn(16, 3)
    loss_d = softplus(-discriminator(real)).mean() + softplus(discriminator(generator(noise).detach())).mean()
    opt_d.zero_grad()
    loss_d.backward()
    opt_d.step()

    loss_g = softplus(-discriminator(generator(noise))).mean()
    opt_g.zero_grad()
    loss_g.backward()  # <- blame
    opt_g.step()
    print(step, loss_d.item(), loss_g.item())
