from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class Config:
    width: int = 32
    rank: int = 2
    lr: float = 5e-3
    epochs: int = 2
    batch_size: int = 16


class LowRank(nn.Module):
    def __init__(self, layer, rank):
        super().__init__()
        self.layer = layer
        self.down = nn.Linear(layer.in_features, rank, bias=False)
        self.up = nn.Linear(rank, layer.out_features, bias=False)
        nn.init.normal_(self.down.weight, std=0.02)
        nn.init.zeros_(self.up.weight)

    def forward(self, x):
        return self.layer(x) + self.up(self.down(x))


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.expand = nn.Linear(width, 2 * width)
        self.contract = nn.Linear(2 * width, width)

    def forward(self, x):
        return x + self.contract(nn.functional.gelu(self.expand(self.norm(x))))


class LoraTrainer:
    def __init__(self, model, config):
        self.model = model
        self.config = config
        self.model.requires_grad_(False)  # the norms stay as they were trained, too
        for module in self.model.modules():
            if isinstance(module, Block):
                module.expand = LowRank(module.expand, config.rank)
                module.contract = LowRank(module.contract, config.rank)
                for adapter in (module.expand, module.contract):
                    adapter.layer.requires_grad_(False)
        adapted = [p for p in self.model.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(adapted, lr=config.lr)

    def fit(self, loader):
        self.model.train()
        for epoch in range(self.config.epochs):
            for inputs, targets in loader:
                loss = nn.functional.mse_loss(self.model(inputs), targets)
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
            print(f"epoch {epoch + 1}: loss {loss.item():.4f}")


if __name__ == "__main__":
    torch.manual_seed(7)
    config = Config()
    pretrained = nn.Sequential(*(Block(config.width) for _ in range(2)), nn.LayerNorm(config.width))
    data = TensorDataset(torch.randn(48, config.width), torch.randn(48, config.width))
    trainer = LoraTrainer(pretrained, config)
    trainer.fit(DataLoader(data, batch_size=config.batch_size, shuffle=True))
