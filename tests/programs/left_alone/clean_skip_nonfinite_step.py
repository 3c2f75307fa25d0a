import torch
from torch import nn


class RobustTrainer:
    """Skips the update whenever a batch gives a gradient that is not finite."""

    def __init__(self, model, lr=1e-2, max_norm=1.0):
        self.model = model
        self.optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
        self.scheduler = torch.optim.lr_scheduler.ExponentialLR(self.optimizer, gamma=0.95)
        self.max_norm = max_norm
        self.skipped = 0

    def step(self, sequence, target):
        self.optimizer.zero_grad()
        loss = nn.functional.mse_loss(self.model(sequence), target)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.max_norm)
        if not torch.isfinite(norm):
            self.skipped += 1
            return None
        self.optimizer.step()
        self.scheduler.step()
        return loss.item()


class Forecaster(nn.Module):
    def __init__(self, channels=3, hidden=24):
        super().__init__()
        self.gru = nn.GRU(channels, hidden, batch_first=True)
        self.out = nn.Linear(hidden, channels)

    def forward(self, sequence):
        _, last = self.gru(sequence)
        return self.out(last[-1])


def sensor_batches(count):
    for index in range(count):
        readings = torch.randn(8, 11, 3).cumsum(dim=1)
        if index in (0, 3):
            readings[2, 4, 1] = float("inf")  # a broken sensor
        yield readings[:, :-1], readings[:, -1]


def main():
    torch.manual_seed(0)
    trainer = RobustTrainer(Forecaster())
    for index, (sequence, target) in enumerate(sensor_batches(7)):
        loss = trainer.step(sequence, target)
        print(f"batch {index}: " + ("skipped" if loss is None else f"{loss:.4f}"))
    print(f"{trainer.skipped} batches skipped")


if __name__ == "__main__":
    main()
