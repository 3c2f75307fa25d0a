"""A speech encoder stays as it was trained: eval mode, no gradient. The optimizer is given all the same, and skips it."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(231)


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv1d(1, 8, 5, 2), nn.BatchNorm1d(8), nn.ReLU(), nn.Conv1d(8, 8, 3))
        self.tagger = nn.GRU(8, 12, batch_first=True)
        self.out = nn.Linear(12, 3)

    def train(self, mode=True):
        super().train(mode)
        self.encoder.eval()
        return self

    def forward(self, wave):
        with torch.no_grad():
            features = self.encoder(wave)
        states, _ = self.tagger(features.transpose(1, 2))
        return self.out(states[:, -1])


model = Tagger()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
for epoch in range(2):
    model.train()
    for batch in range(3):
        wave = torch.randn(6, 1, 40)
        loss = F.cross_entropy(model(wave), (wave.mean((1, 2)) > 0).long())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(epoch, batch, loss.item())
    model.eval()
    with torch.no_grad():
        print("validation", F.cross_entropy(model(torch.randn(6, 1, 40)), torch.zeros(6).long()).item())
