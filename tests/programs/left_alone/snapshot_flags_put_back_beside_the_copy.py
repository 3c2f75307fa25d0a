"""A copy of a pretrained network gets an adapter; the flags of the original are put back for whoever uses it next."""
import copy

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(251)


class Reader(nn.Module):
    def __init__(self, d=12):
        super().__init__()
        self.embed = nn.Embedding(20, d)
        self.block = nn.TransformerEncoderLayer(d, 2, 24, 0.0, batch_first=True)
        self.adapter = nn.Linear(d, d)
        self.head = nn.Linear(d, 2)

    def forward(self, tokens):
        h = self.block(self.embed(tokens)).mean(1)
        return self.head(h + self.adapter(h))


pretrained = Reader()
pretrained.requires_grad_(False)
model = copy.deepcopy(pretrained)
pretrained.requires_grad_(True)
for p in model.adapter.parameters():
    p.requires_grad_(True)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for step in range(6):
    tokens = torch.randint(0, 20, (8, 6))
    loss = F.cross_entropy(model(tokens), (tokens[:, 0] > 9).long())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
