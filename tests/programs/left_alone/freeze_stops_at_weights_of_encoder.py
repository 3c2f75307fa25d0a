import torch
from torch import nn


class Segmenter(nn.Module):
    def __init__(self, n_classes=4):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.SiLU(), nn.Conv2d(8, 16, 3, stride=2, padding=1), nn.SiLU()
        )
        self.decoder = nn.Sequential(
            nn.Conv2d(16, 8, 3, padding=1), nn.SiLU(), nn.Upsample(scale_factor=2), nn.Conv2d(8, n_classes, 1)
        )

    def forward(self, x):
        return self.decoder(self.encoder(x))


class SegmentationTrainer:
    def __init__(self, model, lr=2e-3):
        self.model = model
        self.freeze_encoder()
        self.optimizer = torch.optim.Adam((p for p in self.model.parameters() if p.requires_grad), lr=lr)
        self.criterion = nn.CrossEntropyLoss()

    def freeze_encoder(self):
        self.model.encoder.eval()
        for layer in self.model.encoder:
            if isinstance(layer, nn.Conv2d):
                layer.weight.requires_grad = False
                layer.bias.requires_grad = False

    def train(self, steps):
        for step in range(steps):
            images = torch.rand(2, 3, 16, 16)
            labels = torch.randint(0, 4, (2, 16, 16))
            loss = self.criterion(self.model(images), labels)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            print(f"{step + 1}/{steps} cross entropy {loss.item():.4f}")


torch.manual_seed(2)
trainer = SegmentationTrainer(Segmenter())
trainer.train(steps=5)
