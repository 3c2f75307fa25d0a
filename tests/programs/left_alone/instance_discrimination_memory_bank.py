"""Instance discrimination: a bank of all instances' features, moved by momentum outside the graph, serves as classifier."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(25)
INSTANCES, DIM = 64, 8


class MemoryBank(nn.Module):
    def __init__(self, momentum=0.5, temperature=0.1):
        super().__init__()
        self.momentum, self.temperature = momentum, temperature
        self.register_buffer("memory", F.normalize(torch.randn(INSTANCES, DIM), dim=1))

    def forward(self, features, index):
        logits = features @ self.memory.T.clone() / self.temperature
        self.update(features, index)
        return logits

    @torch.no_grad()
    def update(self, features, index):
        moved = self.momentum * self.memory[index] + (1 - self.momentum) * features
        self.memory[index] = F.normalize(moved, dim=1)


encoder = nn.Sequential(nn.Linear(10, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, DIM))
bank = MemoryBank()
data = torch.randn(INSTANCES, 10)
optimizer = torch.optim.SGD(encoder.parameters(), lr=0.03, momentum=0.9, weight_decay=1e-4)
for epoch in range(2):
    for index in torch.randperm(INSTANCES).split(16):
        view = data[index] + 0.2 * torch.randn(len(index), 10)
        features = F.normalize(encoder(view), dim=1)
        loss = F.cross_entropy(bank(features, index), index)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
encoder.eval()
with torch.no_grad():
    nearest = (F.normalize(encoder(data), dim=1) @ bank.memory.T).argmax(1)
print("recall", (nearest == torch.arange(INSTANCES)).float().mean().item())
