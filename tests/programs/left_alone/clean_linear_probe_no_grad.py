import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


class LinearProbe:
    """Measures how good frozen features are: only one linear layer is trained on top of them."""

    def __init__(self, backbone, feature_size, classes, lr=0.1):
        self.backbone = backbone.eval()
        self.classifier = nn.Linear(feature_size, classes)
        self.optimizer = torch.optim.SGD(self.classifier.parameters(), lr=lr, momentum=0.9)
        self.criterion = nn.CrossEntropyLoss()

    def logits(self, images):
        with torch.no_grad():
            features = self.backbone(images)
        return self.classifier(features)

    def train_epoch(self, loader):
        self.classifier.train()
        for images, labels in loader:
            self.optimizer.zero_grad()
            loss = self.criterion(self.logits(images), labels)
            loss.backward()
            self.optimizer.step()
        return loss.item()

    @torch.no_grad()
    def accuracy(self, loader):
        self.classifier.eval()
        hits = sum((self.logits(images).argmax(1) == labels).sum().item() for images, labels in loader)
        return hits / len(loader.dataset)


def build_backbone():
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )


torch.manual_seed(5)
train_loader = DataLoader(TensorDataset(torch.randn(48, 3, 12, 12), torch.randint(0, 5, (48,))), batch_size=16)
test_loader = DataLoader(TensorDataset(torch.randn(20, 3, 12, 12), torch.randint(0, 5, (20,))), batch_size=10)

probe = LinearProbe(build_backbone(), feature_size=32, classes=5)
for epoch in range(2):
    train_loss = probe.train_epoch(train_loader)
    print(f"epoch {epoch}: loss {train_loss:.4f}, accuracy {probe.accuracy(test_loader):.2%}")
