# options: --frozen 'model.blocks.0.*' --frozen 'model.blocks.1.*'
import torch
import torch.nn.functional as F
from torch import nn

FREEZE = ["blocks.0", "blocks.1"]


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x):
        return x + self.mlp(self.norm(x))


class Mixer(nn.Module):
    def __init__(self, width=16, depth=3, n_classes=4):
        super().__init__()
        self.blocks = nn.ModuleList(Block(width) for _ in range(depth))
        self.head = nn.Linear(width, n_classes)

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return self.head(x.mean(dim=1))


torch.manual_seed(17)
model = Mixer()
for name, parameter in model.named_parameters():
    if any(layer in name for layer in FREEZE):
        parameter.requires_grad = False
print("trainable:", sum(p.numel() for p in model.parameters() if p.requires_grad))

optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-3)
for step in range(4):
    x, y = torch.randn(8, 5, 16), torch.randint(0, 4, (8,))
    loss = F.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
