import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def conv_block(inputs, outputs):
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU())


class Experiment:
    def __init__(self, lr=0.05):
        self.model = nn.Sequential(
            conv_block(1, 6), nn.MaxPool2d(2), conv_block(6, 8), nn.Flatten(), nn.Dropout(0.2), nn.Linear(8 * 4 * 4, 3)
        )
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=lr, momentum=0.9)
        self.criterion = nn.CrossEntropyLoss()

    def train_epoch(self, loader):
        self.model.train()
        losses = []
        for images, labels in loader:
            self.optimizer.zero_grad()
            loss = self.criterion(self.model(images), labels)
            loss.backward()
            self.optimizer.step()
            losses.append(loss.item())
        return sum(losses) / len(losses)

    @torch.no_grad()
    def validate(self, loader):
        self.model.eval()
        correct = sum((self.model(images).argmax(dim=1) == labels).sum().item() for images, labels in loader)
        return correct / len(loader.dataset)

    def run(self, train_loader, validation_loader, epochs):
        print(f"before training: accuracy {self.validate(validation_loader):.3f}")
        for epoch in range(epochs):
            loss = self.train_epoch(train_loader)
            print(f"epoch {epoch}: loss {loss:.4f} accuracy {self.validate(validation_loader):.3f}")


def make_loader(count, shuffle):
    labels = torch.randint(0, 3, (count,))
    images = torch.randn(count, 1, 8, 8) + labels.view(-1, 1, 1, 1)
    return DataLoader(TensorDataset(images, labels), batch_size=8, shuffle=shuffle)


if __name__ == "__main__":
    torch.manual_seed(43)
    Experiment().run(make_loader(24, True), make_loader(16, False), epochs=2)
