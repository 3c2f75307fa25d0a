import warnings
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.checkpoint import checkpoint

warnings.simplefilter("ignore")
torch.manual_seed(84)


class Block(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.norm = nn.LayerNorm(d)
        self.ff = nn.Sequential(nn.Linear(d, 2 * d), nn.GELU(), nn.Linear(2 * d, d))

    def forward(self, x):
        return x + self.ff(self.norm(x))


class DeepNet(nn.Module):
    def __init__(self, d=14, classes=3):
        super().__init__()
        self.blocks = nn.ModuleList([Block(d), Block(d)])
        self.pos = nn.Parameter(torch.zeros(d))
        self.head = nn.Linear(d, classes)

    def forward(self, x):
        x = checkpoint(self.blocks[0], x, use_reentrant=False)
        x = x + self.pos
        x = checkpoint(self.blocks[1], x, use_reentrant=False)
        return self.head(x)


model = DeepNet()
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.0)
for step in range(5):
    x = torch.randn(32, 14)
    y = x[:, :3].argmax(1)
    loss = F.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
