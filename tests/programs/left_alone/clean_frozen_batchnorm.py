import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Detector(nn.Module):
    """Small batches would spoil the running statistics, so the norms of the backbone stay as they were trained."""

    def __init__(self, classes=4):
        super().__init__()
        self.backbone = nn.Sequential(
            nn.Conv2d(3, 16, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(32),
            nn.ReLU(),
        )
        self.classifier = nn.Conv2d(32, classes, 1)
        self.regressor = nn.Conv2d(32, 4, 1)
        for module in self.backbone.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.requires_grad_(False)

    def train(self, mode=True):
        super().train(mode)
        for module in self.backbone.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self

    def forward(self, images):
        features = self.backbone(images)
        return self.classifier(features).mean((2, 3)), self.regressor(features).mean((2, 3))


class Trainer:
    def __init__(self, model, lr=0.02):
        self.model = model
        self.optimizer = torch.optim.SGD((p for p in model.parameters() if p.requires_grad), lr=lr, momentum=0.9)

    def run_epoch(self, loader):
        self.model.train()
        for images, labels, boxes in loader:
            scores, predicted = self.model(images)
            loss = nn.functional.cross_entropy(scores, labels) + nn.functional.smooth_l1_loss(predicted, boxes)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
        return loss.item()

    def validate(self, loader):
        self.model.eval()
        with torch.no_grad():
            hits = [(self.model(images)[0].argmax(1) == labels).float().mean() for images, labels, _ in loader]
        return torch.stack(hits).mean().item()


if __name__ == "__main__":
    torch.manual_seed(2)
    dataset = TensorDataset(torch.randn(8, 3, 32, 32), torch.randint(0, 4, (8,)), torch.rand(8, 4))
    loader = DataLoader(dataset, batch_size=2)
    trainer = Trainer(Detector())
    for epoch in range(2):
        print(f"epoch {epoch}: {trainer.run_epoch(loader):.4f}, accuracy {trainer.validate(loader):.2f}")
