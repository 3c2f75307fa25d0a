import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class FeatureNetwork(nn.Module):
    """Stands in for the first layers of a pretrained VGG."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(
            [
                nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU()),
                nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU()),
            ]
        )

    def forward(self, image):
        features = []
        for layer in self.layers:
            image = layer(image)
            features.append(image)
        return features


class PerceptualLoss(nn.Module):
    def __init__(self):
        super().__init__()
        self.vgg = FeatureNetwork().eval()
        for parameter in self.vgg.parameters():
            parameter.requires_grad = False

    def forward(self, output, target):
        with torch.no_grad():
            wanted = self.vgg(target)
        return sum(nn.functional.l1_loss(a, b) for a, b in zip(self.vgg(output), wanted, strict=True))


class SuperResolution:
    def __init__(self):
        self.generator = nn.Sequential(
            nn.Conv2d(3, 16, 3, padding=1), nn.PReLU(), nn.Conv2d(16, 12, 3, padding=1), nn.PixelShuffle(2)
        )
        self.perceptual = PerceptualLoss()
        self.optimizer = torch.optim.Adam(self.generator.parameters(), lr=1e-3)

    def train(self, loader, epochs=2):
        for epoch in range(epochs):
            for (sharp,) in loader:
                small = nn.functional.avg_pool2d(sharp, 2)
                output = self.generator(small)
                loss = nn.functional.mse_loss(output, sharp) + 0.1 * self.perceptual(output, sharp)
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
            print(f"epoch {epoch}: {loss.item():.4f}")


if __name__ == "__main__":
    torch.manual_seed(6)
    experiment = SuperResolution()
    experiment.train(DataLoader(TensorDataset(torch.rand(16, 3, 16, 16)), batch_size=4))
