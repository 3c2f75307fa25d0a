# expect: blockage *model.*
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

REGISTRY = {}


def register(cls):
    REGISTRY[cls.__name__] = cls
    return cls


@register
class Autoencoder(nn.Module):
    def __init__(self, inputs, code):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(inputs, 20), nn.GELU(), nn.Linear(20, code))
        self.decoder = nn.Sequential(nn.Linear(code, 20), nn.GELU(), nn.Linear(20, inputs))

    def forward(self, x):
        return self.decoder(self.encoder(x))


def build_model(config):
    return REGISTRY[config["name"]](**config["arguments"])


class Runner:
    def __init__(self, config):
        self.config = config
        self.model = self.build_model()
        self.optimizer = self.build_optimizer()

    def build_model(self):
        return build_model(self.config["model"])

    def build_optimizer(self):
        cls = getattr(torch.optim, self.config["optimizer"]["name"])
        return cls(self.build_model().parameters(), **self.config["optimizer"]["arguments"])  # <- blame

    def run(self, loader):
        for epoch in range(self.config["epochs"]):
            for (x,) in loader:
                loss = nn.functional.mse_loss(self.model(x), x)
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
            print(f"epoch {epoch} reconstruction {loss.item():.4f}")


CONFIG = {
    "model": {"name": "Autoencoder", "arguments": {"inputs": 10, "code": 3}},
    "optimizer": {"name": "Adamax", "arguments": {"lr": 5e-3}},
    "epochs": 2,
}

if __name__ == "__main__":
    torch.manual_seed(149)
    Runner(CONFIG).run(DataLoader(TensorDataset(torch.randn(24, 10)), batch_size=8, shuffle=True))
