"""Second stage of a probe: the backbone gets a smaller rate, and learns."""
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(8)


class Probe(nn.Module):
    def __init__(self, classes=3):
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(8, 16), nn.LayerNorm(16), nn.GELU(), nn.Linear(16, 16))
        self.head = nn.Linear(16, classes)

    def train(self, mode=True):
        super().train(mode)
        return self

    def forward(self, x):
        features = self.backbone(x)
        return self.head(features)


probe = Probe().train()
groups = [{"params": probe.head.parameters()}, {"params": probe.backbone.parameters(), "lr": 1e-5}]
optimizer = torch.optim.AdamW(groups, lr=1e-3)
for _ in range(4):
    x, y = torch.randn(16, 8), torch.randint(0, 3, (16,))
    loss = F.cross_entropy(probe(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
