# expect: blockage *backbone.*
import torch
from torch import nn
from torch.nn import functional as F


class RotationPretraining:
    """Pretrains a backbone by letting a small head tell how far each image was turned."""

    def __init__(self, backbone, width, epochs=2, lr=0.02):
        self.backbone = backbone
        self.rotation_head = nn.Linear(width, 4)
        self.epochs = epochs
        self.optimizer = torch.optim.SGD(
            [{"params": self.backbone.parameters()}, {"params": self.rotation_head.parameters(), "lr": 10 * lr}],
            lr=lr,
            momentum=0.9,
        )

    @staticmethod
    def rotate(images):
        turns = torch.randint(0, 4, (len(images),))
        return torch.stack([torch.rot90(image, int(k), (1, 2)) for image, k in zip(images, turns)]), turns

    def loss(self, images):
        rotated, turns = self.rotate(images)
        features = self.backbone(rotated)
        return F.cross_entropy(self.rotation_head(features.detach()), turns)  # <- blame

    def pretrain(self, batches):
        self.backbone.train()
        for epoch in range(self.epochs):
            for images in batches:
                loss = self.loss(images)
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
            print(f"pretraining epoch {epoch}: {loss.item():.4f}")
        return self.backbone


def main():
    torch.manual_seed(0)
    backbone = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.AvgPool2d(4), nn.Flatten(), nn.Linear(32, 16))
    batches = [torch.randn(12, 1, 8, 8).cumsum(dim=2) for _ in range(3)]
    backbone = RotationPretraining(backbone, 16).pretrain(batches)
    torch.save(backbone.state_dict(), "/dev/null")


if __name__ == "__main__":
    main()
