import torch
from torch import nn
from torch.nn import functional as F


class FiniteScalarQuantiser(nn.Module):
    def __init__(self, levels=5):
        super().__init__()
        self.half = (levels - 1) / 2

    def forward(self, z):
        z = torch.tanh(z) * self.half
        quantised = torch.round(z)
        return (z + (quantised - z).detach()) / self.half


class Tokeniser(nn.Module):
    def __init__(self, inputs=16, latent=4):
        super().__init__()
        self.encode = nn.Sequential(nn.Linear(inputs, 32), nn.SiLU(), nn.Linear(32, latent))
        self.quantise = FiniteScalarQuantiser()
        self.decode = nn.Sequential(nn.Linear(latent, 32), nn.SiLU(), nn.Linear(32, inputs))

    def forward(self, x):
        return self.decode(self.quantise(self.encode(x)))


def main():
    torch.manual_seed(0)
    tokeniser = Tokeniser()
    optimizer = torch.optim.AdamW(tokeniser.parameters(), lr=2e-3, weight_decay=0.0)

    def closure():
        optimizer.zero_grad()
        loss = F.mse_loss(tokeniser(batch), batch)
        loss.backward()
        return loss

    for step in range(5):
        batch = torch.randn(48, 4) @ torch.randn(4, 16)
        loss = optimizer.step(closure)
        print(f"step {step} loss {loss.item():.4f}")


if __name__ == "__main__":
    main()
