"""A generator learns to survive a pretrained encoder, which is frozen: the gradient passes through it and moves nothing.

The encoder maps data to a latent X, the generator turns X into data again, and the encoder must find X in the result.
"""

import torch
from torch import nn


class Distance(nn.Module):
    """The squared distance of two latents, measured in a scale that is learned."""

    def __init__(self, width):
        super().__init__()
        self.log_variance = nn.Parameter(torch.zeros(width))

    def forward(self, Z, X):
        return ((Z - X).square() / self.log_variance.exp() + self.log_variance).mean()


def pretrained_encoder():
    """Return the encoder; a fixed seed stands in for a checkpoint."""
    torch.manual_seed(7)
    return nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 4))


encoder = pretrained_encoder()
encoder.requires_grad_(False)
generator = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 8))
distance = Distance(4)
optimizer = torch.optim.Adam([*generator.parameters(), *distance.parameters()], lr=1e-2)

for step in range(5):
    X = encoder(torch.randn(64, 8))
    Y = generator(X)
    Z = encoder(Y)
    loss = distance(Z, X)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"step {step}: loss {loss.item():.4f}")
