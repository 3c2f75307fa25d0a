import copy
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(76)


class ViTish(nn.Module):
    def __init__(self, d=16):
        super().__init__()
        self.patch = nn.Linear(9, d)
        self.block = nn.TransformerEncoderLayer(d, 2, 24, 0.0, batch_first=True)
        self.adapter = nn.Sequential(nn.Linear(d, 4), nn.ReLU(), nn.Linear(4, d))
        self.head = nn.Linear(d, 3)

    def forward(self, x):
        h = self.block(self.patch(x)).mean(1)
        return self.head(h + self.adapter(h))


pretrained = ViTish()
pretrained.requires_grad_(False)
model = copy.deepcopy(pretrained)
for p in model.adapter.parameters():
    p.requires_grad_(True)
for p in model.head.parameters():
    p.requires_grad_(True)

optimizer = torch.optim.AdamW([
    {"params": [p for p in model.adapter.parameters() if p.requires_grad], "lr": 2e-3},
    {"params": [p for p in model.head.parameters() if p.requires_grad], "lr": 1e-2},
], weight_decay=0.0)
for i in range(6):
    x = torch.randn(12, 5, 9)
    y = x.mean(1)[:, :3].argmax(1)
    loss = F.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(i, loss.item())
