# expect: leak critic.0.parametrizations.weight.0._?
import torch
from torch import nn

torch.manual_seed(31)
critic = nn.Sequential(nn.utils.parametrizations.spectral_norm(nn.Linear(4, 16)), nn.LeakyReLU(), nn.Linear(16, 1))
critic.requires_grad_(False)
generator = nn.Linear(3, 4)
optimizer = torch.optim.AdamW(generator.parameters(), lr=1e-2)

for step in range(4):
    fake = generator(torch.randn(16, 3))
    loss = nn.functional.softplus(-critic(fake)).mean()  # <- blame
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
