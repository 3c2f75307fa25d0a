# expect: blockage *shortcut.*
import torch
import torch.nn.functional as F
from torch import nn


class ResidualBlock(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x):
        residual = self.shortcut(x).data.clone()  # <- blame
        out = F.relu(self.conv1(x), inplace=True)
        out = self.conv2(out)
        out += residual
        return F.relu(out, inplace=True)


class SmallResNet(nn.Module):
    def __init__(self, classes=5):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.layer1 = ResidualBlock(8, 12)
        self.layer2 = ResidualBlock(12, 16)
        self.fc = nn.Linear(16, classes)

    def forward(self, x):
        x = F.relu(self.stem(x))
        x = self.layer2(F.avg_pool2d(self.layer1(x), 2))
        return self.fc(x.mean(dim=(2, 3)))


def train(model, steps):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for step in range(steps):
        images, labels = torch.randn(8, 3, 12, 12), torch.randint(0, 5, (8,))
        loss = F.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"[{step + 1}/{steps}] loss = {loss.item():.4f}")


if __name__ == "__main__":
    torch.manual_seed(0)
    net = SmallResNet()
    train(net, 4)
