import torch
import torch.nn.functional as F
from torch import nn


class Recorder:
    def __init__(self):
        self.history = {"loss": [], "accuracy": []}

    def log(self, **values):
        for name, value in values.items():
            self.history[name].append(value)


class Trainer:
    def __init__(self, model):
        self.model = model
        self.optimizer = torch.optim.Adam(model.parameters())
        self.recorder = Recorder()

    def training_step(self, x, y):
        logits = self.model(x)
        loss = F.cross_entropy(logits, y)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.recorder.log(loss=loss.detach(), accuracy=(logits.argmax(1) == y).float().mean())

    def fit(self, batches):
        for x, y in batches:
            self.training_step(x, y)
        return self.recorder.history


trainer = Trainer(nn.Sequential(nn.Linear(5, 12), nn.ReLU(), nn.Linear(12, 3)))
trainer.fit([(torch.randn(8, 5), torch.randint(0, 3, (8,))) for _ in range(6)])
