# expect: blockage *analysis.*
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset


class Codec(nn.Module):
    def __init__(self, channels=6):
        super().__init__()
        self.analysis = nn.Sequential(nn.Conv2d(1, channels, 4, 2, 1), nn.LeakyReLU(), nn.Conv2d(channels, 3, 4, 2, 1))
        self.synthesis = nn.Sequential(
            nn.ConvTranspose2d(3, channels, 4, 2, 1), nn.LeakyReLU(), nn.ConvTranspose2d(channels, 1, 4, 2, 1)
        )


class CompressionTrainer:
    def __init__(self, codec, levels=8):
        self.codec = codec
        self.levels = levels
        self.optimizer = torch.optim.Adam(codec.parameters(), lr=2e-3)

    def quantise(self, latent):
        return torch.round(latent * self.levels) / self.levels  # <- blame

    def step(self, image):
        latent = torch.tanh(self.codec.analysis(image))
        reconstruction = self.codec.synthesis(self.quantise(latent))
        loss = F.mse_loss(reconstruction, image)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def fit(self, loader, epochs):
        for epoch in range(epochs):
            losses = [self.step(image) for (image,) in loader]
            print(f"epoch {epoch} distortion {sum(losses) / len(losses):.5f}")


torch.manual_seed(0)
trainer = CompressionTrainer(Codec())
trainer.fit(DataLoader(TensorDataset(torch.rand(24, 1, 16, 16)), batch_size=8), epochs=2)
