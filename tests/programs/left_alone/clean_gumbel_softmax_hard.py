import torch
import torch.nn as nn
import torch.nn.functional as functional
from torch.utils.data import DataLoader, TensorDataset


class CategoricalVAE(nn.Module):
    def __init__(self, inputs=64, latents=6, categories=5):
        super().__init__()
        self.latents, self.categories = latents, categories
        self.encoder = nn.Sequential(nn.Linear(inputs, 48), nn.ReLU(), nn.Linear(48, latents * categories))
        self.decoder = nn.Sequential(nn.Linear(latents * categories, 48), nn.ReLU(), nn.Linear(48, inputs))

    def forward(self, x, temperature):
        logits = self.encoder(x).view(-1, self.latents, self.categories)
        if self.training:
            code = functional.gumbel_softmax(logits, tau=temperature, hard=True)
        else:
            code = functional.one_hot(logits.argmax(-1), self.categories).float()
        return self.decoder(code.flatten(1)), logits


class Experiment:
    def __init__(self):
        self.vae = CategoricalVAE()
        self.optimizer = torch.optim.Adam(self.vae.parameters(), lr=1e-3)
        self.temperature = 1.0

    def loss(self, x):
        reconstruction, logits = self.vae(x, self.temperature)
        log_q = functional.log_softmax(logits, dim=-1)
        uniform = torch.tensor(float(self.vae.categories)).log()
        divergence = (log_q.exp() * (log_q + uniform)).sum((1, 2)).mean()
        return functional.binary_cross_entropy_with_logits(reconstruction, x, reduction="sum") / len(x) + divergence

    def train(self, loader):
        self.vae.train()
        for (x,) in loader:
            self.optimizer.zero_grad()
            loss = self.loss(x)
            loss.backward()
            self.optimizer.step()
        self.temperature = max(0.5, self.temperature * 0.9)
        return loss.item()

    def test(self, x):
        self.vae.eval()
        with torch.no_grad():
            return self.loss(x).item()


if __name__ == "__main__":
    torch.manual_seed(0)
    data = (torch.rand(60, 64) > 0.5).float()
    experiment = Experiment()
    loader = DataLoader(TensorDataset(data[:48]), batch_size=16, shuffle=True)
    for epoch in range(3):
        print(f"epoch {epoch}: train {experiment.train(loader):.2f} test {experiment.test(data[48:]):.2f}")
