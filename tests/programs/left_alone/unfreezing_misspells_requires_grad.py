from dataclasses import dataclass

import torch
from torch import nn


@dataclass
class Settings:
    warmup_epochs: int = 1
    epochs: int = 3
    lr: float = 0.01


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(14, 20), nn.ReLU(), nn.Linear(20, 20), nn.ReLU())
        self.head = nn.Linear(20, 5)

    def forward(self, x):
        return self.head(self.backbone(x))


class GradualTrainer:
    """Trains the head alone for some epochs, then everything."""

    def __init__(self, model, settings):
        self.model = model
        self.settings = settings
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=settings.lr)
        self.criterion = nn.CrossEntropyLoss()

    def freeze_backbone(self):
        for param in self.model.backbone.parameters():
            param.requires_grad = False

    def unfreeze_backbone(self):
        for param in self.model.backbone.parameters():
            param.requires_grad = True

    def fit(self, batches):
        self.freeze_backbone()
        for epoch in range(self.settings.epochs):
            if epoch == self.settings.warmup_epochs:
                print("training all layers")
                self.unfreeze_backbone()
            for inputs, labels in batches:
                self.optimizer.zero_grad()
                loss = self.criterion(self.model(inputs), labels)
                loss.backward()
                self.optimizer.step()
            print(f"epoch {epoch}: {loss.item():.4f}")


if __name__ == "__main__":
    torch.manual_seed(29)
    GradualTrainer(Classifier(), Settings()).fit([(torch.randn(8, 14), torch.randint(0, 5, (8,))) for _ in range(2)])
