# expect: blockage *ema.module.*
from copy import deepcopy

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class ModelEma:
    """Keeps a moving average of a model's weights for evaluation."""

    def __init__(self, model, decay=0.9):
        self.module = deepcopy(model).eval()
        self.decay = decay
        for parameter in self.module.parameters():
            parameter.requires_grad_(False)

    @torch.no_grad()
    def update(self, model):
        for average, value in zip(self.module.parameters(), model.parameters(), strict=True):
            average.lerp_(value, 1.0 - self.decay)


class Trainer:
    def __init__(self, model, lr):
        self.model = model
        self.ema = ModelEma(model)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=lr)
        self.criterion = nn.MSELoss()

    def train_epoch(self, loader):
        self.model.train()
        for inputs, targets in loader:
            self.optimizer.zero_grad()
            loss = self.criterion(self.model(inputs), targets)
            loss.backward()
            self.optimizer.step()
            self.ema.update(self.ema.module)  # <- blame

    @torch.no_grad()
    def evaluate(self, inputs, targets):
        self.model.eval()
        return {name: self.criterion(net(inputs), targets).item() for name, net in self.networks().items()}

    def networks(self):
        return {"model": self.model, "ema": self.ema.module}


def main():
    torch.manual_seed(53)
    inputs = torch.randn(32, 5)
    targets = inputs[:, :2].sin()
    trainer = Trainer(nn.Sequential(nn.Linear(5, 24), nn.Mish(), nn.Linear(24, 2)), lr=1e-2)
    loader = DataLoader(TensorDataset(inputs, targets), batch_size=8, shuffle=True)
    for epoch in range(2):
        trainer.train_epoch(loader)
        print(epoch, trainer.evaluate(inputs, targets))


if __name__ == "__main__":
    main()
