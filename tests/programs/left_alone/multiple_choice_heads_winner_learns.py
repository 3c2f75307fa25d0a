"""Multiple choice learning: several heads predict, only the best one of each example is taught."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(333)
HEADS = 4


class Forecaster(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.GRU(1, 24, batch_first=True)
        self.heads = nn.ModuleList(nn.Linear(24, 5) for _ in range(HEADS))
        self.confidence = nn.Linear(24, HEADS)

    def forward(self, past):
        _, h = self.body(past)
        h = h[-1]
        return torch.stack([head(h) for head in self.heads], 1), self.confidence(h)


model = Forecaster()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for step in range(6):
    phase, direction = torch.rand(64, 1) * 6.28, torch.randn(64, 1).sign()
    t = torch.arange(10).float()
    past = torch.sin(0.4 * t + phase).unsqueeze(-1)
    future = torch.sin(0.4 * torch.arange(10, 15).float() * direction + phase)
    guesses, confidence = model(past)
    error = (guesses - future.unsqueeze(1)).pow(2).mean(2)
    with torch.no_grad():
        winner = error.argmin(1)
    best = error.gather(1, winner.unsqueeze(1)).mean()
    loss = best + 0.1 * F.cross_entropy(confidence, winner)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, best.item(), torch.bincount(winner, minlength=HEADS).tolist())
