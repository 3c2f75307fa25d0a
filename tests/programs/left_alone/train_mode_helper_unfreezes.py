import torch
import torch.nn as nn
import torch.nn.functional as F
from dataclasses import dataclass


@dataclass
class Config:
    lr: float = 0.02
    epochs: int = 2
    iters: int = 3
    seed: int = 9


class FineTuner:
    def __init__(self, cfg):
        self.cfg = cfg
        self.features = nn.Sequential(nn.Linear(14, 20), nn.ReLU(), nn.Linear(20, 10), nn.ReLU())
        self.classifier = nn.Linear(10, 3)
        for p in self.features.parameters():
            p.requires_grad = False
        self.optimizer = torch.optim.SGD(
            self.classifier.parameters(), lr=cfg.lr)

    def set_mode(self, training):
        for m in (self.features, self.classifier):
            m.train(training)

    def fit(self):
        for epoch in range(self.cfg.epochs):
            self.set_mode(True)
            for _ in range(self.cfg.iters):
                x = torch.randn(20, 14)
                y = x[:, :3].argmax(1)
                loss = F.cross_entropy(self.classifier(self.features(x)), y)
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
            print("epoch", epoch, loss.item())


cfg = Config()
torch.manual_seed(cfg.seed)
FineTuner(cfg).fit()
