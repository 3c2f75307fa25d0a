# expect: blockage *blocks*
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class ResidualBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x):
        return torch.relu(x + self.second(torch.relu(self.first(x))))


class SmallResNet(nn.Module):
    def __init__(self, channels=8, depth=2, classes=4):
        super().__init__()
        self.stem = nn.Conv2d(3, channels, 3, padding=1)
        self.blocks = [ResidualBlock(channels) for _ in range(depth)]  # <- blame
        self.classifier = nn.Linear(channels, classes)

    def forward(self, images):
        x = torch.relu(self.stem(images))
        for block in self.blocks:
            x = block(x)
        return self.classifier(x.mean(dim=(2, 3)))


class Trainer:
    def __init__(self, model, lr):
        self.model = model
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=lr, momentum=0.9)
        self.criterion = nn.CrossEntropyLoss()

    def train_epoch(self, loader):
        self.model.train()
        for images, labels in loader:
            self.optimizer.zero_grad()
            loss = self.criterion(self.model(images), labels)
            loss.backward()
            self.optimizer.step()
            yield loss.item()

    def fit(self, loader, epochs):
        for epoch in range(epochs):
            losses = list(self.train_epoch(loader))
            print(f"epoch {epoch} mean loss {sum(losses) / len(losses):.4f}")


if __name__ == "__main__":
    torch.manual_seed(4)
    dataset = TensorDataset(torch.randn(24, 3, 8, 8), torch.randint(0, 4, (24,)))
    Trainer(SmallResNet(), lr=0.02).fit(DataLoader(dataset, batch_size=8, shuffle=True), epochs=2)
