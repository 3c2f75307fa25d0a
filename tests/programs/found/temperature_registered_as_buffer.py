# expect: blockage *model.log_temperature
import math

import torch
import torch.nn.functional as F
from torch import nn


class TwoTowers(nn.Module):
    def __init__(self, image_features=12, text_features=9, width=16):
        super().__init__()
        self.image = nn.Sequential(nn.Linear(image_features, width), nn.ReLU(), nn.Linear(width, width))
        self.text = nn.Sequential(nn.Linear(text_features, width), nn.ReLU(), nn.Linear(width, width))
        self.register_buffer("log_temperature", torch.tensor(math.log(0.07)))  # <- blame

    def forward(self, images, texts):
        images = F.normalize(self.image(images), dim=1)
        texts = F.normalize(self.text(texts), dim=1)
        return images @ texts.t() / self.log_temperature.exp()


class PairTraining:
    def __init__(self, model, lr=1e-3, temperature_lr=1e-2):
        self.model = model
        self.optimizer = torch.optim.Adam(
            [
                {"params": [*model.image.parameters(), *model.text.parameters()]},
                {"params": [model.log_temperature], "lr": temperature_lr},
            ],
            lr=lr,
        )

    def step(self, images, texts):
        logits = self.model(images, texts)
        labels = torch.arange(len(images))
        loss = (F.cross_entropy(logits, labels) + F.cross_entropy(logits.t(), labels)) / 2
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item(), self.model.log_temperature.exp().item()


def main():
    torch.manual_seed(19)
    training = PairTraining(TwoTowers())
    for number in range(5):
        loss, temperature = training.step(torch.randn(10, 12), torch.randn(10, 9))
        print(f"step {number} loss {loss:.4f} temperature {temperature:.4f}")


if __name__ == "__main__":
    main()
