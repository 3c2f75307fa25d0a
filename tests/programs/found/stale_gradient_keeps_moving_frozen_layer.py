# expect: leak *features.*
import torch
from torch import nn


class AudioNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv1d(1, 8, 5, stride=2), nn.Softplus(), nn.Conv1d(8, 8, 5, stride=2))
        self.classifier = nn.Linear(8, 3)

    def forward(self, wave):
        return self.classifier(self.features(wave).mean(dim=-1))


class ProgressiveTrainer:
    def __init__(self, model, lr=0.1, warmup_steps=2):
        self.model = model
        self.warmup_steps = warmup_steps
        self.optimizer = torch.optim.SGD(model.parameters(), lr=lr)
        self.criterion = nn.CrossEntropyLoss()

    def clear_gradients(self):
        for p in self.model.parameters():
            if p.requires_grad:  # <- blame
                p.grad = None

    def fit(self, batches):
        for step, (wave, label) in enumerate(batches):
            if step == self.warmup_steps:
                for p in self.model.features.parameters():
                    p.requires_grad = False  # <- blame
            self.clear_gradients()
            loss = self.criterion(self.model(wave), label)
            loss.backward()
            self.optimizer.step()
            print(f"step {step} loss {loss.item():.4f}")


def main():
    torch.manual_seed(16)
    batches = [(torch.randn(6, 1, 64), torch.randint(0, 3, (6,))) for _ in range(6)]
    ProgressiveTrainer(AudioNet()).fit(batches)


if __name__ == "__main__":
    main()
