import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class PoseNet(nn.Module):
    def __init__(self, joints=5):
        super().__init__()
        self.backbone = nn.Sequential(
            nn.Conv2d(1, 8, 3, stride=2, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(4),
            nn.Flatten(),
        )
        self.dropout = nn.Dropout(0.2)
        self.joints = nn.Linear(8 * 16, joints * 2)

    def forward(self, x):
        return self.joints(self.dropout(self.backbone(x)))


class PoseTrainer:
    def __init__(self, model, lr=1e-3):
        self.model = model
        self.freeze_backbone()
        self.optimizer = torch.optim.Adam(self.model.joints.parameters(), lr=lr)
        self.criterion = nn.MSELoss()

    def freeze_backbone(self):
        self.model.backbone.eval()
        for p in self.model.backbone.parameters():
            p.requires_grad = False

    def train_epoch(self, loader):
        self.model.train()
        self.model.backbone.eval()
        running = 0.0
        for image, pose in loader:
            loss = self.criterion(self.model(image), pose)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            running += loss.item()
        return running / len(loader)


def main():
    torch.manual_seed(37)
    dataset = TensorDataset(torch.rand(16, 1, 20, 20), torch.rand(16, 10))
    trainer = PoseTrainer(PoseNet())
    for epoch in range(3):
        print(f"epoch {epoch} loss {trainer.train_epoch(DataLoader(dataset, batch_size=8)):.4f}")


if __name__ == "__main__":
    main()
