"""Masked signal modelling: patches chosen at random are replaced by a learned mask token."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(112)
PATCH, PATCHES, DIM = 4, 8, 16


class MaskedModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(PATCH, DIM)
        self.position = nn.Parameter(0.02 * torch.randn(PATCHES, DIM))
        self.mask_token = nn.Parameter(0.02 * torch.randn(DIM))
        self.encoder = nn.TransformerEncoderLayer(DIM, 2, 32, dropout=0.0, batch_first=True)
        self.decode = nn.Linear(DIM, PATCH)

    def forward(self, patches, masked):
        x = self.embed(patches)
        x[masked] = self.mask_token
        return self.decode(self.encoder(x + self.position))


def random_mask(n, ratio=0.5):
    keep = int(PATCHES * (1 - ratio))
    rank = torch.rand(n, PATCHES).argsort(1).argsort(1)
    return rank >= keep


model = MaskedModel()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.0)
for step in range(5):
    phase = torch.rand(16, 1) * 6.28
    signal = torch.sin(0.4 * torch.arange(PATCH * PATCHES) + phase)
    patches = signal.view(16, PATCHES, PATCH)
    masked = random_mask(16)
    loss = F.mse_loss(model(patches, masked)[masked], patches[masked])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
