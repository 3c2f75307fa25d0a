"""Adapter on frozen speech features; the feature loader is a generator function, the step uses a closure."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(122)

frontend = nn.Sequential(nn.Conv1d(1, 16, 8, 4), nn.GELU(), nn.Conv1d(16, 16, 4, 2), nn.GELU())
frontend.requires_grad_(False).eval()
adapter = nn.Sequential(nn.Linear(16, 8), nn.GELU(), nn.Linear(8, 16))
classifier = nn.Linear(16, 4)


def waves(n):
    label = torch.randint(0, 4, (n,))
    t = torch.arange(128).float()
    return torch.sin(t * 0.1 * (label + 1).view(-1, 1, 1)) + 0.1 * torch.randn(n, 1, 128), label


def feature_batches(count, size=16):
    for _ in range(count):
        wave, label = waves(size)
        with torch.no_grad():
            features = frontend(wave).mean(-1)
        yield features, label


optimizer = torch.optim.Adam([*adapter.parameters(), *classifier.parameters()], lr=5e-3)
for step, (features, label) in enumerate(feature_batches(5)):
    adapted = features + adapter(features)

    def closure():
        optimizer.zero_grad()
        loss = F.cross_entropy(classifier(adapted), label)
        loss.backward()
        return loss

    loss = optimizer.step(closure)
    print(step, loss.item())
