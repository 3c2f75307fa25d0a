import torch
from torch import nn


class ProbeTrainer:
    """Linear probe on a pretrained trunk."""

    def __init__(self, trunk, dim, classes):
        self.trunk = trunk
        for param in self.trunk.parameters():
            param.requires_grad = False
        self.probe = nn.Linear(dim, classes)
        params = list(self.trunk.parameters()) + list(self.probe.parameters())
        self.optimizer = torch.optim.SGD([p for p in params if p.requires_grad], lr=0.05)

    def step(self, x, y):
        self.optimizer.zero_grad()
        loss = nn.functional.cross_entropy(self.probe(self.trunk(x)), y)
        loss.backward()
        self.optimizer.step()
        return loss.item()


torch.manual_seed(2)
trunk = nn.Sequential(nn.Linear(7, 20), nn.ReLU(), nn.Linear(20, 12))
trainer = ProbeTrainer(trunk, 12, 3)
x = torch.randn(90, 7); y = x[:, :3].argmax(1)
for epoch in range(3):
    for i in torch.randperm(90).split(30):
        value = trainer.step(x[i], y[i])
    print(epoch, value)
