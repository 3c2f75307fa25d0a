# expect: blockage *codebook.weight
import torch
from torch import nn
from torch.nn import functional as F


class VectorQuantizer(nn.Module):
    def __init__(self, entries, width, beta=0.25):
        super().__init__()
        self.codebook = nn.Embedding(entries, width)
        nn.init.uniform_(self.codebook.weight, -1 / entries, 1 / entries)
        self.beta = beta

    def forward(self, z):
        nearest = torch.cdist(z, self.codebook.weight).argmin(dim=1)
        quantized = self.codebook(nearest)
        codebook_loss = F.mse_loss(quantized.detach(), z)  # <- blame
        commitment_loss = F.mse_loss(z, quantized.detach())
        loss = codebook_loss + self.beta * commitment_loss
        return z + (quantized - z).detach(), loss


class VqVae(nn.Module):
    def __init__(self, inputs=24, width=6, entries=16):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(inputs, 32), nn.ReLU(), nn.Linear(32, width))
        self.quantizer = VectorQuantizer(entries, width)
        self.decoder = nn.Sequential(nn.Linear(width, 32), nn.ReLU(), nn.Linear(32, inputs))

    def forward(self, x):
        quantized, vq_loss = self.quantizer(self.encoder(x))
        return self.decoder(quantized), vq_loss


class VqTrainer:
    def __init__(self, **options):
        self.model = VqVae(**options)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=1e-3, amsgrad=True)

    def __call__(self, x):
        reconstruction, vq_loss = self.model(x)
        loss = F.mse_loss(reconstruction, x) + vq_loss
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()


torch.manual_seed(0)
trainer = VqTrainer(entries=8)
for step in range(6):
    print(step, trainer(torch.randn(32, 24)))
