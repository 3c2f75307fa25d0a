"""Latent denoiser with a pixel loss; the first stage (autoencoder) comes trained and is to stay as it is."""
# expect: leak ldm.first_stage.dec*
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(71)


def disabled_train(self, mode=True):
    """Overwrite model.train with this function to make sure train/eval mode does not change anymore."""
    return self


class AutoEncoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(20, 16), nn.SiLU(), nn.Linear(16, 4))
        self.decoder = nn.Sequential(nn.Linear(4, 16), nn.SiLU(), nn.Linear(16, 20))

    def encode(self, x):
        return self.encoder(x)

    def decode(self, z):
        return self.decoder(z)


class LatentDenoiser(nn.Module):
    def __init__(self, first_stage):
        super().__init__()
        self.unet = nn.Sequential(nn.Linear(5, 32), nn.SiLU(), nn.Linear(32, 4))
        self.instantiate_first_stage(first_stage)

    def instantiate_first_stage(self, model):
        self.first_stage = model.eval()  # <- blame
        self.first_stage.train = disabled_train.__get__(model)  # <- blame

    @torch.no_grad()
    def encode_first_stage(self, x):
        return self.first_stage.encode(x)

    def forward(self, x):
        z = self.encode_first_stage(x)
        t = torch.rand(len(x), 1)
        noisy = (1 - t) * z + t * torch.randn_like(z)
        z_hat = self.unet(torch.cat([noisy, t], 1))
        x_hat = self.first_stage.decode(z_hat)
        return F.mse_loss(z_hat, z) + 0.1 * F.mse_loss(x_hat, x)

    def configure_optimizers(self, lr=1e-3):
        return torch.optim.Adam(self.parameters(), lr=lr)  # <- blame


ldm = LatentDenoiser(AutoEncoder())
optimizer = ldm.configure_optimizers()
ldm.train()
for step in range(5):
    loss = ldm(torch.randn(16, 20))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
