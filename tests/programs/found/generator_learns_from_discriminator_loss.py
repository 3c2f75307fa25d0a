# expect: leak *generator.*
# expect-note: GF301 gan.discriminator.*
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Generator(nn.Module):
    def __init__(self, latent=6, length=16):
        super().__init__()
        self.input = nn.Linear(latent, 32)
        self.output = nn.Linear(32, length)

    def forward(self, z):
        return self.output(F.silu(self.input(z)))


class Discriminator(nn.Module):
    def __init__(self, length=16):
        super().__init__()
        self.hidden = nn.Linear(length, 32)
        self.score = nn.Linear(32, 1)

    def forward(self, x):
        return self.score(F.leaky_relu(self.hidden(x), 0.2))


class SeriesGAN:
    def __init__(self, latent=6):
        self.latent = latent
        self.generator = Generator(latent)
        self.discriminator = Discriminator()
        self.g_optim = torch.optim.Adam(self.generator.parameters(), lr=1e-3)
        self.d_optim = torch.optim.Adam(self.discriminator.parameters(), lr=1e-3)

    def train_batch(self, real):
        self.g_optim.zero_grad()  # <- blame
        self.d_optim.zero_grad()
        fake = self.generator(torch.randn(len(real), self.latent))

        d_loss = F.softplus(-self.discriminator(real)).mean() + F.softplus(self.discriminator(fake)).mean()  # <- blame
        d_loss.backward(retain_graph=True)  # <- blame
        self.d_optim.step()

        g_loss = F.softplus(-self.discriminator(fake)).mean()
        g_loss.backward()
        self.g_optim.step()
        return d_loss.item(), g_loss.item()


if __name__ == "__main__":
    torch.manual_seed(27)
    t = torch.linspace(0, 6.28, 16)
    series = torch.sin(t + 6.28 * torch.rand(32, 1))
    gan = SeriesGAN()
    for (batch,) in DataLoader(TensorDataset(series), batch_size=8):
        print("d {:.4f} g {:.4f}".format(*gan.train_batch(batch)))
