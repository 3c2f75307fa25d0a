# expect: blockage *viscosity.*
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def standardise(targets):
    mean, deviation = targets.nanmean(dim=0), torch.zeros(targets.size(1))
    for column in range(targets.size(1)):
        values = targets[:, column]
        deviation[column] = values.std()  # <- blame
    return (targets - mean) / deviation


def masked_mse(prediction, target):
    present = ~torch.isnan(target)  # <- blame
    error = (prediction - torch.nan_to_num(target)) * present  # <- blame
    return error.pow(2).sum() / present.sum().clamp(min=1)


class PropertyNet(nn.Module):
    def __init__(self, descriptors=11):
        super().__init__()
        self.shared = nn.Sequential(nn.Linear(descriptors, 32), nn.ReLU())
        self.density = nn.Linear(32, 1)
        self.viscosity = nn.Sequential(nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 1))

    def forward(self, x):
        h = self.shared(x)
        return self.density(h), self.viscosity(h)


def main():
    torch.manual_seed(0)
    descriptors = torch.randn(48, 11)
    measured = torch.stack([descriptors.sum(dim=1), descriptors.pow(2).sum(dim=1)], dim=1)
    measured[::5, 1] = float("nan")
    loader = DataLoader(TensorDataset(descriptors, standardise(measured)), batch_size=16, shuffle=True)
    model = PropertyNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(2):
        for x, target in loader:
            density, viscosity = model(x)
            loss = masked_mse(density, target[:, :1]) + masked_mse(viscosity, target[:, 1:])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch} loss {loss.item():.4f}")


if __name__ == "__main__":
    main()
