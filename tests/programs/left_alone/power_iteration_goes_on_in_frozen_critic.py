"""A trained, spectrally normalised critic serves as a fixed feature loss for a super-resolution network."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils.parametrizations import spectral_norm

torch.manual_seed(41)


class Critic(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1 = spectral_norm(nn.Conv2d(1, 8, 3, padding=1))
        self.c2 = spectral_norm(nn.Conv2d(8, 8, 3, stride=2, padding=1))
        self.score = spectral_norm(nn.Linear(8 * 16, 1))

    def features(self, image):
        a = F.leaky_relu(self.c1(image), 0.2)
        b = F.leaky_relu(self.c2(a), 0.2)
        return [a, b]

    def forward(self, image):
        return self.score(self.features(image)[-1].flatten(1))


class Upscaler(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.Conv2d(12, 4, 3, padding=1))
        self.shuffle = nn.PixelShuffle(2)

    def forward(self, small):
        return self.shuffle(self.body(small))


critic = Critic()
for p in critic.parameters():
    p.requires_grad_(False)
critic.eval()
upscaler = Upscaler()
optimizer = torch.optim.Adam(upscaler.parameters(), lr=2e-3)


def feature_loss(fake, real):
    loss = 0.0
    for f, r in zip(critic.features(fake), critic.features(real)):
        loss = loss + F.l1_loss(f, r)
    return loss


for step in range(5):
    real = torch.rand(6, 1, 8, 8)
    small = F.avg_pool2d(real, 2)
    fake = upscaler(small)
    loss = F.l1_loss(fake, real) + 0.1 * feature_loss(fake, real)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
