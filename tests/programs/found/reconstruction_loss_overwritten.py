# expect: blockage *vae.decoder.*
import torch
from torch import nn
from torch.nn import functional as F


class Vae(nn.Module):
    def __init__(self, inputs=20, latent=4):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(inputs, 32), nn.ReLU())
        self.mean = nn.Linear(32, latent)
        self.log_var = nn.Linear(32, latent)
        self.decoder = nn.Sequential(nn.Linear(latent, 32), nn.ReLU(), nn.Linear(32, inputs))

    def forward(self, x):
        h = self.encoder(x)
        mean, log_var = self.mean(h), self.log_var(h)
        z = mean + torch.exp(0.5 * log_var) * torch.randn_like(mean)
        return self.decoder(z), mean, log_var


def loss_function(reconstruction, x, mean, log_var):
    loss = F.binary_cross_entropy_with_logits(reconstruction, x, reduction="sum") / len(x)  # <- blame
    kl = -0.5 * torch.sum(1 + log_var - mean.pow(2) - log_var.exp()) / len(x)
    loss = 0.5 * kl  # <- blame
    return loss


def train(epoch, vae, optimizer, data):
    vae.train()
    for batch_idx, x in enumerate(data.split(16)):
        optimizer.zero_grad()
        reconstruction, mean, log_var = vae(x)
        loss = loss_function(reconstruction, x, mean, log_var)
        loss.backward()
        optimizer.step()
        print(f"Train Epoch: {epoch} [{batch_idx}] Loss: {loss.item():.6f}")


if __name__ == "__main__":
    torch.manual_seed(1)
    vae = Vae()
    optimizer = torch.optim.Adam(vae.parameters(), lr=1e-3)
    data = (torch.rand(48, 20) > 0.5).float()
    for epoch in range(1, 3):
        train(epoch, vae, optimizer, data)
