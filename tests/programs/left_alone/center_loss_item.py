import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(63)
encoder = nn.Sequential(nn.Linear(12, 24), nn.ReLU(), nn.Linear(24, 8))
classifier = nn.Linear(8, 4)
optimizer = torch.optim.Adam([*encoder.parameters(), *classifier.parameters()], lr=2e-3)


def pairwise_margin(z, y, margin=1.0):
    total = torch.zeros(())
    pairs = 0
    for i in range(0, len(y) - 1, 2):
        d = (z[i] - z[i + 1]).pow(2).sum()
        if y[i] == y[i + 1]:
            total = total + d
        else:
            total = total + F.relu(margin - d)
        pairs += 1
    return total / pairs


for step in range(6):
    y = torch.randint(0, 4, (32,))
    x = torch.randn(32, 12) + F.one_hot(y, 12)
    z = F.normalize(encoder(x), dim=1)
    ce = F.cross_entropy(classifier(z), y)
    margin_term = pairwise_margin(z, y)
    loss = ce + 0.5 * margin_term
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, ce.item(), float(margin_term))
