"""Language-model training that logs an exponential moving average of its loss."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(142)
VOCAB = 24


class CharModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, 12)
        self.rnn = nn.GRU(12, 32, batch_first=True)
        self.out = nn.Linear(32, VOCAB)

    def forward(self, chars):
        h, _ = self.rnn(self.embed(chars))
        return self.out(h)


class Meter:
    """Exponential moving average, bias-corrected."""

    def __init__(self, momentum=0.9):
        self.momentum, self.value, self.n = momentum, 0.0, 0

    def update(self, x):
        self.value = self.momentum * self.value + (1 - self.momentum) * x
        self.n += 1

    def corrected(self):
        return float(self.value) / (1 - self.momentum**self.n)


model = CharModel()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
meter = Meter()
text = torch.randint(0, VOCAB, (8, 81))
text[:, 1::2] = text[:, 0:-1:2]
for step in range(10):
    chunk = text[:, step * 8 : step * 8 + 9]
    loss = F.cross_entropy(model(chunk[:, :-1]).flatten(0, 1), chunk[:, 1:].flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    meter.update(loss.item())
    if step % 3 == 0:
        print(step, round(meter.corrected(), 4))
