"""Depth and normals from one trunk, the two losses balanced by learned uncertainties."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class DepthAndNormals(nn.Module):
    def __init__(self, channels=8):
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Conv2d(3, channels, 3, padding=1), nn.ReLU(), nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU()
        )
        self.depth = nn.Conv2d(channels, 1, 1)
        self.normals = nn.Conv2d(channels, 3, 1)

    def forward(self, images):
        features = self.trunk(images)
        return self.depth(features), self.normals(features)


class UncertaintyWeightedLoss(nn.Module):
    """Kendall et al.: each task's loss is scaled by a learned homoscedastic variance."""

    def __init__(self, tasks=2):
        super().__init__()
        self.log_variances = nn.Parameter(torch.zeros(tasks))

    def forward(self, losses):
        losses = torch.stack(losses)
        return (torch.exp(-self.log_variances) * losses + self.log_variances).sum()


def train(model, criterion, loader, epochs, lr):
    optimizer = torch.optim.Adam([*model.parameters(), *criterion.parameters()], lr=lr)
    for epoch in range(epochs):
        for images, depth, normals in loader:
            predicted_depth, predicted_normals = model(images)
            loss = criterion([F.l1_loss(predicted_depth, depth), F.mse_loss(predicted_normals, normals)])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch} loss {loss.item():.4f} weights {torch.exp(-criterion.log_variances).tolist()}")


def main():
    torch.manual_seed(0)
    data = TensorDataset(torch.randn(24, 3, 8, 8), torch.rand(24, 1, 8, 8) * 3, torch.randn(24, 3, 8, 8))
    train(DepthAndNormals(), UncertaintyWeightedLoss(), DataLoader(data, batch_size=8), epochs=2, lr=1e-2)


if __name__ == "__main__":
    main()
