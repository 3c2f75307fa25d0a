"""Click model: an encoder of items ends in one score, which is normalised before the sigmoid."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(102)
FEATURES = 10


class Ranker(nn.Module):
    def __init__(self, hidden=24):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(FEATURES, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU())
        self.score = nn.Linear(hidden, 1)
        self.norm = nn.LayerNorm(hidden)

    def forward(self, items):
        return self.score(self.norm(self.encoder(items))).squeeze(-1)


def clicks(n):
    taste = torch.linspace(-1, 1, FEATURES)
    items = torch.randn(n, FEATURES)
    return items, torch.bernoulli(torch.sigmoid(2 * items @ taste))


ranker = Ranker()
optimizer = torch.optim.Adam(ranker.parameters(), lr=5e-3)
for step in range(6):
    items, clicked = clicks(64)
    score = ranker(items)
    loss = F.binary_cross_entropy_with_logits(score, clicked)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    hits = ((score > 0).float() == clicked).float().mean()
    print(step, loss.item(), hits.item())
