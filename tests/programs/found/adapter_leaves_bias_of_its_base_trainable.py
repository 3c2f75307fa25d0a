# expect: leak *base.bias
from dataclasses import dataclass

import torch
from torch import nn


@dataclass
class AdapterConfig:
    bottleneck: int = 4
    lr: float = 2e-3
    steps: int = 5


class AdaptedLinear(nn.Module):
    def __init__(self, base, bottleneck):
        super().__init__()
        self.base = base
        self.base.weight.requires_grad = False  # <- blame
        self.down = nn.Linear(base.out_features, bottleneck)
        self.up = nn.Linear(bottleneck, base.out_features)
        nn.init.normal_(self.up.weight, std=1e-2)

    def forward(self, x):
        frozen = self.base(x)
        return frozen + self.up(torch.tanh(self.down(frozen)))


class AdapterTrainer:
    def __init__(self, network, config):
        self.config = config
        self.network = self.add_adapters(network)
        trainable = [p for p in self.network.parameters() if p.requires_grad]
        self.optimizer = torch.optim.Adam(trainable, lr=config.lr)
        self.criterion = nn.HuberLoss()

    def add_adapters(self, network):
        for index, layer in enumerate(network):
            if isinstance(layer, nn.Linear):
                network[index] = AdaptedLinear(layer, self.config.bottleneck)
        return network

    def run(self):
        for step in range(self.config.steps):
            x = torch.randn(16, 9)
            y = x.cumsum(dim=1)[:, -2:]
            loss = self.criterion(self.network(x), y)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            print(f"step {step}, loss {loss.item():.4f}")


def main():
    torch.manual_seed(44)
    pretrained = nn.Sequential(nn.Linear(9, 20), nn.GELU(), nn.Linear(20, 2))
    AdapterTrainer(pretrained, AdapterConfig()).run()


if __name__ == "__main__":
    main()
