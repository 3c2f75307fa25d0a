"""Slate ranking: the scores of a slate's items are centred, then fitted to the centred ratings."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(102)
FEATURES, SLATE = 10, 6


class Ranker(nn.Module):
    def __init__(self, hidden=24):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(FEATURES, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU())
        self.score = nn.Linear(hidden, 1, bias=False)

    def forward(self, items):
        return self.score(self.encoder(items))


def centre(values):
    return values - values.mean(dim=1, keepdim=True)


def slates(n):
    taste = torch.linspace(-1, 1, FEATURES).unsqueeze(1)
    items = torch.randn(n, SLATE, FEATURES)
    return items, items @ taste + 0.1 * torch.randn(n, SLATE, 1)


ranker = Ranker()
optimizer = torch.optim.Adam(ranker.parameters(), lr=5e-3)
for step in range(6):
    items, ratings = slates(16)
    wanted = ratings - ratings.mean(dim=1, keepdim=True)
    loss = F.mse_loss(centre(ranker(items)), wanted)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
