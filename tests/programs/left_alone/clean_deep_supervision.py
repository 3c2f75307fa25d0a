import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def conv_block(inputs, outputs):
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU())


class Segmenter(nn.Module):
    def __init__(self, classes=3):
        super().__init__()
        self.stage1 = conv_block(3, 8)
        self.stage2 = conv_block(8, 16)
        self.stage3 = conv_block(16, 16)
        self.auxiliary = nn.ModuleList([nn.Conv2d(8, classes, 1), nn.Conv2d(16, classes, 1)])
        self.head = nn.Conv2d(16, classes, 1)

    def forward(self, image):
        first = self.stage1(image)
        second = self.stage2(nn.functional.max_pool2d(first, 2))
        third = self.stage3(nn.functional.interpolate(second, scale_factor=2))
        output = self.head(third)
        if not self.training:
            return output
        side = [head(features) for head, features in zip(self.auxiliary, (first, second), strict=True)]
        return output, [nn.functional.interpolate(logits, size=image.shape[2:]) for logits in side]


def train_epoch(model, loader, optimizer, weights=(0.2, 0.4)):
    model.train()
    for image, labels in loader:
        output, side_outputs = model(image)
        loss = nn.functional.cross_entropy(output, labels)
        for weight, side in zip(weights, side_outputs, strict=True):
            loss = loss + weight * nn.functional.cross_entropy(side, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


@torch.no_grad()
def pixel_accuracy(model, loader):
    model.eval()
    return torch.cat([(model(image).argmax(1) == labels).flatten() for image, labels in loader]).float().mean().item()


def main():
    torch.manual_seed(0)
    images = torch.rand(16, 3, 16, 16)
    loader = DataLoader(TensorDataset(images, images.argmax(dim=1)), batch_size=4, shuffle=True)
    model = Segmenter()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.PolynomialLR(optimizer, total_iters=3, power=0.9)
    for epoch in range(2):
        loss = train_epoch(model, loader, optimizer)
        scheduler.step()
        print(f"epoch {epoch}: loss {loss:.4f} pixel accuracy {pixel_accuracy(model, loader):.3f}")


if __name__ == "__main__":
    main()
