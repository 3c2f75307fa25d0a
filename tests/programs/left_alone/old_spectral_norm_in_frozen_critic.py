import torch, torch.nn as nn, torch.nn.functional as F
from torch.nn.utils import spectral_norm
torch.manual_seed(1)
critic = nn.Sequential(spectral_norm(nn.Linear(6, 16)), nn.LeakyReLU(), spectral_norm(nn.Linear(16, 1)))
critic.eval().requires_grad_(False)
g = nn.Linear(4, 6)
opt = torch.optim.Adam(g.parameters(), 1e-2)
for i in range(4):
    loss = F.softplus(-critic(g(torch.randn(16, 4)))).mean()
    opt.zero_grad(); loss.backward(); opt.step()
