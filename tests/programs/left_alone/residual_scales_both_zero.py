import torch
from torch import nn
from torch.nn import functional as F


class ScaledBlock(nn.Module):
    """A residual block that starts as the identity: its branch is scaled per channel and as a whole."""

    def __init__(self, channels):
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1), nn.GELU(), nn.Conv2d(channels, channels, 3, padding=1)
        )
        self.channel_scale = nn.Parameter(torch.ones(channels, 1, 1))
        self.block_scale = nn.Parameter(torch.zeros(()))

    def forward(self, x):
        return x + self.block_scale * (self.channel_scale * self.branch(x))


class Denoiser(nn.Module):
    def __init__(self, channels=6, blocks=2):
        super().__init__()
        self.first = nn.Conv2d(1, channels, 3, padding=1)
        self.blocks = nn.ModuleList([ScaledBlock(channels) for _ in range(blocks)])
        self.last = nn.Conv2d(channels, 1, 3, padding=1)

    def forward(self, x):
        h = self.first(x)
        for block in self.blocks:
            h = block(h)
        return x + self.last(h)


def main():
    torch.manual_seed(0)
    denoiser = Denoiser()
    optimizer = torch.optim.Adam(denoiser.parameters(), lr=1e-3)
    for step in range(5):
        clean = torch.rand(4, 1, 12, 12)
        loss = F.l1_loss(denoiser(clean + 0.1 * torch.randn_like(clean)), clean)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"step {step} l1 {loss.item():.4f}")


if __name__ == "__main__":
    main()
