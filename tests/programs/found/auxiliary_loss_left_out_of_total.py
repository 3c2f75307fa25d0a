# expect: blockage *model.auxiliary.*
import torch
import torch.nn.functional as F
from torch import nn


class Segmenter(nn.Module):
    def __init__(self, channels=8, classes=3):
        super().__init__()
        self.down = nn.Conv2d(3, channels, 3, stride=2, padding=1)
        self.middle = nn.Conv2d(channels, channels, 3, padding=1)
        self.main = nn.Conv2d(channels, classes, 1)
        self.auxiliary = nn.Conv2d(channels, classes, 1)

    def forward(self, images):
        low = torch.relu(self.down(images))
        high = torch.relu(self.middle(low))
        size = images.shape[-2:]
        return {
            "main": F.interpolate(self.main(high), size, mode="bilinear"),
            "auxiliary": F.interpolate(self.auxiliary(low), size, mode="bilinear"),
        }


class SegmentationTrainer:
    def __init__(self, model, auxiliary_weight=0.4):
        self.model = model
        self.auxiliary_weight = auxiliary_weight
        self.optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
        self.history = []

    def losses(self, images, masks):
        outputs = self.model(images)
        losses = {name: F.cross_entropy(output, masks) for name, output in outputs.items()}
        losses["total"] = losses["main"] + self.auxiliary_weight * losses["auxiliary"]
        return losses

    def step(self, images, masks):
        losses = self.losses(images, masks)
        self.optimizer.zero_grad()
        losses["main"].backward()  # <- blame
        self.optimizer.step()
        self.history.append({name: loss.item() for name, loss in losses.items()})
        return self.history[-1]


def main():
    torch.manual_seed(41)
    trainer = SegmentationTrainer(Segmenter())
    for number in range(4):
        losses = trainer.step(torch.randn(2, 3, 12, 12), torch.randint(0, 3, (2, 12, 12)))
        print(number, " ".join(f"{name}={value:.4f}" for name, value in losses.items()))


if __name__ == "__main__":
    main()
