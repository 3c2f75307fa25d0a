# expect: blockage *encoder.*
import torch
from torch import nn
import torch.nn.functional as F
torch.manual_seed(1)
class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Linear(12, 8)
        self.decoder = nn.Linear(4, 12)
    def forward(self, x):
        mu, logvar = self.encoder(x).chunk(2, 1)
        z = mu + torch.randn_like(mu) * (0.5 * logvar).exp()
        return self.decoder(z), mu, logvar
vae = VAE()
opt = torch.optim.Adam(vae.parameters(), lr=1e-3)
for step in range(5):
    x = torch.rand(16, 12)
    out, mu, logvar = vae(x)
    recon = F.mse_loss(out, x)
    kl = -0.5 * (1 + logvar - mu.pow(2) - logvar.exp()).sum(1).mean()
    loss = recon + 0.1 * kl.item()  # <- blame
    opt.zero_grad(); loss.backward(); opt.step()
    print(step, loss.item())
