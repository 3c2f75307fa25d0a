import torch
import torch.nn.functional as F
from torch import nn


class FakeQuantLinear(nn.Linear):
    def forward(self, x):
        scale = self.weight.detach().abs().amax() / 127
        rounded = torch.round(self.weight / scale) * scale
        weight = self.weight + (rounded - self.weight).detach()
        return F.linear(x, weight, self.bias)


def replace_linears(root):
    for name, child in root.named_children():
        if isinstance(child, nn.Linear):
            swapped = FakeQuantLinear(child.in_features, child.out_features)
            swapped.load_state_dict(child.state_dict())
            setattr(root, name, swapped)
        else:
            replace_linears(child)


class Ranker(nn.Module):
    def __init__(self, n_features=18, width=24):
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(n_features, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh())
        self.score = nn.Linear(width, 1)

    def forward(self, x):
        return self.score(self.backbone(x)).squeeze(-1)


class RankingTrainer:
    def __init__(self, model, quantize=True):
        self.model = model
        if quantize:
            replace_linears(self.model.backbone)
        self.model.backbone.requires_grad_(False)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-3)

    def step(self, better, worse):
        margin = self.model(better) - self.model(worse)
        loss = F.softplus(-margin).mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()


if __name__ == "__main__":
    torch.manual_seed(13)
    trainer = RankingTrainer(Ranker())
    for _ in range(4):
        print(trainer.step(torch.randn(16, 18) + 0.3, torch.randn(16, 18)))
