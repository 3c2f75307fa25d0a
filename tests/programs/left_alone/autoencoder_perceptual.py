import torch
import torch.nn as nn
import torch.nn.functional as F


class FeatureNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.slices = nn.ModuleList([nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(6, 8, 3, 2, 1)])

    def forward(self, x):
        feats = []
        for s in self.slices:
            x = torch.relu(s(x))
            feats.append(F.normalize(x, dim=1))
        return feats


class PerceptualAutoencoder(nn.Module):
    """The feature network is held in a list so that it is not part of the checkpoint."""

    def __init__(self, width=8):
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(3, width, 4, 2, 1), nn.SiLU(), nn.Conv2d(width, 4, 1))
        self.decoder = nn.Sequential(nn.Conv2d(4, width, 3, padding=1), nn.SiLU(), nn.Upsample(scale_factor=2),
                                     nn.Conv2d(width, 3, 3, padding=1))
        self._frozen = [FeatureNet().eval().requires_grad_(False)]

    @property
    def lpips(self):
        return self._frozen[0]

    def forward(self, x):
        return self.decoder(self.encoder(x))

    def loss(self, x):
        recon = self(x)
        perceptual = sum((a - b).pow(2).mean() for a, b in zip(self.lpips(recon), self.lpips(x)))
        return F.l1_loss(recon, x) + 0.5 * perceptual, perceptual


torch.manual_seed(44)
model = PerceptualAutoencoder()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, betas=(0.5, 0.9))
assert not any("slices" in k for k in model.state_dict())
for step in range(5):
    image = torch.rand(4, 3, 12, 12)
    loss, p = model.loss(image)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"step {step} total {loss.item():.5f} perceptual {p.item():.5f}")
