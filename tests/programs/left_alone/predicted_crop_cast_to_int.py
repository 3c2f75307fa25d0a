import torch
from torch import nn
from torch.nn import functional as F


class RecurrentCrop(nn.Module):
    """Looks at the whole image at low resolution, then classifies a crop at the place it found."""

    def __init__(self, size=24, crop=8, classes=4):
        super().__init__()
        self.size, self.crop = size, crop
        self.locator = nn.Sequential(nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(64, 2))
        self.classifier = nn.Sequential(nn.Conv2d(1, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(6 * 36, classes))

    def take(self, images, centre):
        zoom = self.crop / self.size
        theta = torch.zeros(len(images), 2, 3)
        theta[:, 0, 0] = theta[:, 1, 1] = zoom
        theta[:, :, 2] = centre * (1 - zoom)
        grid = F.affine_grid(theta, (len(images), 1, self.crop, self.crop), align_corners=False)
        return F.grid_sample(images, grid, align_corners=False)

    def forward(self, images):
        glance = F.interpolate(images, size=8, mode="area")
        centre = torch.tanh(self.locator(glance))
        return self.classifier(self.take(images, centre))


class CropTrainer:
    def __init__(self):
        self.model = RecurrentCrop()
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.01, momentum=0.9)

    def run(self, steps):
        for step in range(steps):
            images, labels = torch.rand(8, 1, 24, 24), torch.randint(0, 4, (8,))
            loss = F.cross_entropy(self.model(images), labels)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            print(f"step {step}: {loss.item():.4f}")


torch.manual_seed(0)
trainer = CropTrainer()
trainer.run(4)
