import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils import parametrizations, prune


class Regressor(nn.Module):
    def __init__(self, n_in=8, hidden=24):
        super().__init__()
        self.fc1 = nn.Linear(n_in, hidden)
        self.mix = nn.Linear(hidden, hidden)
        self.fc2 = nn.Linear(hidden, 1)

    def forward(self, x):
        return self.fc2(torch.tanh(self.mix(torch.tanh(self.fc1(x)))))


def batches(n, generator):
    for _ in range(n):
        x = torch.randn(32, 8, generator=generator, dtype=torch.float64)
        yield x, (x[:, :2] ** 2).sum(1, keepdim=True)


torch.manual_seed(83)
generator = torch.Generator().manual_seed(83)
net = Regressor()
optimizer = torch.optim.SGD(net.parameters(), lr=1e-2, momentum=0.9)
net.to(torch.float64)
parametrizations.orthogonal(net.mix, orthogonal_map="householder", use_trivialization=False)
for amount in (0.2, 0.3):
    for layer in (net.fc1, net.fc2):
        prune.l1_unstructured(layer, "weight", amount=amount)
    for x, y in batches(3, generator):
        loss = F.mse_loss(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    zero = (net.fc1.weight == 0).float().mean().item()
    print(f"pruned {amount}: loss {loss.item():.5f} zeros {zero:.3f}")
