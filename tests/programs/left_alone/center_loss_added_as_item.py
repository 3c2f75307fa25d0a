import torch
from torch import nn


class CenterLoss(nn.Module):
    def __init__(self, classes, width):
        super().__init__()
        self.centers = nn.Parameter(torch.randn(classes, width))

    def forward(self, features, labels):
        return (features - self.centers[labels]).pow(2).sum(dim=1).mean()


class FaceNet(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.features = nn.Sequential(nn.Linear(30, 40), nn.PReLU(), nn.Linear(40, 8))
        self.logits = nn.Linear(8, classes)

    def forward(self, x):
        features = self.features(x)
        return features, self.logits(features)


class FaceTrainer:
    def __init__(self, classes=6, center_weight=0.01):
        self.net = FaceNet(classes)
        self.center_loss = CenterLoss(classes, 8)
        self.cross_entropy = nn.CrossEntropyLoss()
        self.center_weight = center_weight
        self.optimizer = torch.optim.SGD(self.net.parameters(), lr=0.05, momentum=0.9)
        self.center_optimizer = torch.optim.SGD(self.center_loss.parameters(), lr=0.5)

    def fit(self, steps):
        for step in range(steps):
            x, y = torch.randn(16, 30), torch.randint(0, 6, (16,))
            features, logits = self.net(x)
            classification = self.cross_entropy(logits, y)
            loss = classification + self.center_weight * self.center_loss(features, y)
            self.optimizer.zero_grad()
            self.center_optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.center_optimizer.step()
            print(f"step {step}: {loss.item():.4f}")


torch.manual_seed(0)
FaceTrainer().fit(5)
