"""Quantisation-aware head on a frozen encoder whose activation ranges were calibrated beforehand."""
# expect: leak encoder.q*.high
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(111)


class FakeQuant(nn.Module):
    """Moving min/max observer and 8-bit rounding in one, as in quantisation-aware training."""

    def __init__(self, momentum=0.1, bits=8):
        super().__init__()
        self.momentum, self.levels = momentum, 2**bits - 1
        self.register_buffer("low", torch.tensor(0.0))
        self.register_buffer("high", torch.tensor(0.0))
        self.observing = True

    def forward(self, x):
        if self.observing:
            low, high = torch.aminmax(x.detach())
            self.low += self.momentum * (low - self.low)  # <- blame
            self.high += self.momentum * (high - self.high)  # <- blame
        scale = (self.high - self.low).clamp(min=1e-6) / self.levels
        q = ((x - self.low) / scale).round().clamp(0, self.levels) * scale + self.low
        return x + (q - x).detach()


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.q1 = nn.Conv1d(2, 8, 5, padding=2), FakeQuant()
        self.conv2, self.q2 = nn.Conv1d(8, 12, 5, stride=2, padding=2), FakeQuant()

    def forward(self, x):
        x = self.q1(F.relu(self.conv1(x)))
        return self.q2(F.relu(self.conv2(x))).mean(-1)


def signals(n):
    y = torch.randint(0, 3, (n,))
    t = torch.arange(24).float()
    return torch.sin(t * (y.view(-1, 1, 1) + 1) * 0.3) + 0.2 * torch.randn(n, 2, 24), y


encoder = Encoder()
with torch.no_grad():
    for _ in range(20):
        encoder(signals(32)[0])

for p in encoder.parameters():
    p.requires_grad = False
encoder.eval()  # <- blame

head = nn.Sequential(nn.Linear(12, 16), FakeQuant(), nn.ReLU(), nn.Linear(16, 3))
optimizer = torch.optim.Adam(head.parameters(), lr=5e-3)
for step in range(5):
    x, y = signals(24)
    loss = F.cross_entropy(head(encoder(x)), y)  # <- blame
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
