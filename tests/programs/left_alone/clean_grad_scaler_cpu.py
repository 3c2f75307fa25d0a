from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class Settings:
    epochs: int = 3
    lr: float = 1e-3
    use_amp: bool = True
    max_norm: float = 1.0


class Trainer:
    def __init__(self, model, settings):
        self.model = model
        self.settings = settings
        self.optimizer = torch.optim.Adam(model.parameters(), lr=settings.lr)
        self.scaler = torch.amp.GradScaler("cpu", enabled=settings.use_amp)

    def step(self, inputs, targets):
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.float16, enabled=self.settings.use_amp):
            outputs = self.model(inputs)
        loss = nn.functional.mse_loss(outputs.float(), targets)
        self.scaler.scale(loss).backward()
        self.scaler.unscale_(self.optimizer)
        nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.max_norm)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return loss.item()

    def fit(self, train_loader, valid_loader):
        for epoch in range(self.settings.epochs):
            self.model.train()
            losses = [self.step(inputs, targets) for inputs, targets in train_loader]
            scale = self.scaler.get_scale()
            print(f"epoch {epoch}: train {losses[-1]:.2f} valid {self.validate(valid_loader):.2f} scale {scale}")

    @torch.no_grad()
    def validate(self, loader):
        self.model.eval()
        return sum(nn.functional.mse_loss(self.model(x), y).item() for x, y in loader) / len(loader)


if __name__ == "__main__":
    torch.manual_seed(1)
    inputs = torch.randn(64, 10)
    targets = 1.2 * inputs.sum(dim=1, keepdim=True)
    train_loader = DataLoader(TensorDataset(inputs[:48], targets[:48]), batch_size=16, shuffle=True)
    valid_loader = DataLoader(TensorDataset(inputs[48:], targets[48:]), batch_size=16)
    network = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
    trainer = Trainer(network, Settings())
    trainer.fit(train_loader, valid_loader)
