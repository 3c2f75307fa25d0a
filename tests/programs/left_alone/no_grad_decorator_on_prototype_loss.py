import torch
from torch import nn
from torch.nn import functional as F


class PrototypeNet(nn.Module):
    def __init__(self, inputs, width, classes):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(inputs, 32), nn.ReLU(), nn.Linear(32, width))
        self.classifier = nn.Linear(width, classes)
        self.prototypes = nn.Parameter(torch.randn(classes, width))

    def forward(self, x):
        features = self.encoder(x)
        return features, self.classifier(features)


class Trainer:
    def __init__(self, model, pull=0.5):
        self.model = model
        self.pull = pull
        self.optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

    @torch.no_grad()
    def accuracy(self, x, y):
        return (self.model(x)[1].argmax(1) == y).float().mean().item()

    def prototype_loss(self, features, labels):
        distances = torch.cdist(features, self.model.prototypes)
        return F.cross_entropy(-distances, labels)

    def step(self, x, y):
        features, logits = self.model(x)
        loss = F.cross_entropy(logits, y) + self.pull * self.prototype_loss(features, y)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()


torch.manual_seed(0)
trainer = Trainer(PrototypeNet(12, 8, 4))
for i in range(6):
    x, y = torch.randn(20, 12), torch.randint(0, 4, (20,))
    print(i, round(trainer.step(x, y), 4), trainer.accuracy(x, y))
