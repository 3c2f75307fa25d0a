"""Self-supervised training (VICReg) with an online linear probe, which only measures the features."""
# options: --frozen 'encoder@probe_loss'
# expect: leak encoder.?.[wb]*
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(91)
CLASSES = 4

encoder = nn.Sequential(nn.Linear(12, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 16))
expander = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 32))
probe = nn.Linear(16, CLASSES)
ssl_opt = torch.optim.SGD([*encoder.parameters(), *expander.parameters()], lr=0.02, momentum=0.9)
probe_opt = torch.optim.SGD(probe.parameters(), lr=0.1)


def off_diagonal(c):
    return c[~torch.eye(len(c), dtype=torch.bool)]


def vicreg(a, b):
    invariance = F.mse_loss(a, b)
    variance, covariance = 0.0, 0.0
    for z in (a, b):
        z = z - z.mean(0)
        variance = variance + F.relu(1 - torch.sqrt(z.var(0) + 1e-4)).mean()
        covariance = covariance + off_diagonal(z.T @ z / (len(z) - 1)).pow(2).sum() / z.shape[1]
    return 25 * invariance + 12.5 * variance + covariance


def augment(x):
    return x + 0.2 * torch.randn_like(x)


centres = torch.randn(CLASSES, 12)
for step in range(5):
    y = torch.randint(0, CLASSES, (32,))
    x = centres[y] + 0.3 * torch.randn(32, 12)
    h1, h2 = encoder(augment(x)), encoder(augment(x))
    ssl_loss = vicreg(expander(h1), expander(h2))
    logits = probe(h1)  # <- blame
    probe_loss = F.cross_entropy(logits, y)

    ssl_opt.zero_grad()
    probe_opt.zero_grad()
    ssl_loss.backward(retain_graph=True)
    probe_loss.backward()  # <- blame
    ssl_opt.step()
    probe_opt.step()
    accuracy = (logits.argmax(1) == y).float().mean().item()
    print(step, ssl_loss.item(), probe_loss.item(), accuracy)
