# expect: blockage *model.stages.0.*
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint


class VolumeNet(nn.Module):
    """Three-dimensional stages, the first of which is recomputed in the backward pass to save memory."""

    def __init__(self, channels=4, classes=3, checkpointed=1):
        super().__init__()
        self.checkpointed = checkpointed
        self.stages = nn.ModuleList(
            [
                nn.Sequential(nn.Conv3d(1, channels, 3, padding=1), nn.ReLU(), nn.AvgPool3d(2)),
                nn.Sequential(nn.Conv3d(channels, channels, 3, padding=1), nn.ReLU(), nn.AvgPool3d(2)),
            ]
        )
        self.classifier = nn.Linear(channels, classes)

    def forward(self, volumes):
        x = volumes
        for number, stage in enumerate(self.stages):
            if number < self.checkpointed:
                x = checkpoint(stage, x, use_reentrant=True)  # <- blame
            else:
                x = stage(x)
        return self.classifier(x.mean(dim=(2, 3, 4)))


class VolumeTrainer:
    def __init__(self, lr=0.02):
        self.model = VolumeNet()
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=lr, momentum=0.9)
        self.criterion = nn.CrossEntropyLoss(label_smoothing=0.1)

    def train(self, volumes, labels, batch_size, epochs):
        for epoch in range(epochs):
            for images, targets in zip(volumes.split(batch_size), labels.split(batch_size), strict=True):
                self.optimizer.zero_grad()
                loss = self.criterion(self.model(images), targets)
                loss.backward()
                self.optimizer.step()
            print(f"epoch {epoch}: {loss.item():.4f}")


torch.manual_seed(153)
VolumeTrainer().train(torch.randn(8, 1, 8, 8, 8), torch.randint(0, 3, (8,)), batch_size=4, epochs=3)
