import torch
import torch.nn.functional as F
from torch import nn


class FeatureNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.slice1 = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU())
        self.slice2 = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU())

    def load_pretrained(self, seed=1234):
        source = torch.Generator().manual_seed(seed)
        state = {k: 0.2 * torch.randn(v.shape, generator=source) for k, v in self.state_dict().items()}
        self.load_state_dict(state)
        return self

    def forward(self, x):
        first = self.slice1(x)
        return first, self.slice2(first)


class SuperResolution(nn.Module):
    def __init__(self, scale=2):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.PReLU(), nn.Conv2d(16, 3 * scale**2, 3, padding=1))
        self.shuffle = nn.PixelShuffle(scale)
        self.loss_net = FeatureNet().load_pretrained().eval().requires_grad_(False)

    def forward(self, low):
        return self.shuffle(self.body(low))

    def perceptual_loss(self, output, target):
        return sum(F.mse_loss(a, b) for a, b in zip(self.loss_net(output), self.loss_net(target), strict=True))


def main():
    torch.manual_seed(34)
    model = SuperResolution()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for step in range(4):
        high = torch.rand(2, 3, 16, 16)
        output = model(F.avg_pool2d(high, 2))
        loss = F.l1_loss(output, high) + 0.1 * model.perceptual_loss(output, high)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"step {step + 1}: {loss.item():.4f}")


if __name__ == "__main__":
    main()
