"""QANet-like reader: position signal is the fixed sinusoid of Vaswani et al., added to the token embedding."""
# options: --frozen reader.position.signal
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(3)
VOCAB, DIM, LENGTH = 40, 16, 12


class PositionSignal(nn.Module):
    """Fixed sin/cos signal; not learned."""

    def __init__(self, length, dim):
        super().__init__()
        position = torch.arange(length).float().unsqueeze(1)
        rate = torch.exp(torch.arange(0, dim, 2).float() * (-math.log(10000.0) / dim))
        table = torch.zeros(length, dim)
        table[:, 0::2] = torch.sin(position * rate)
        table[:, 1::2] = torch.cos(position * rate)
        self.signal = nn.Parameter(table, requires_grad=False)

    def forward(self, x):
        return x + self.signal[: x.shape[1]]


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, DIM)
        self.position = PositionSignal(LENGTH, DIM)
        self.block = nn.TransformerEncoderLayer(DIM, 2, 32, dropout=0.0, batch_first=True)
        self.span = nn.Linear(DIM, 2)

    def forward(self, tokens):
        h = self.block(self.position(self.embed(tokens)))
        return self.span(h).unbind(-1)


reader = Reader()
optimizer = torch.optim.Adam((p for p in reader.parameters() if p.requires_grad), lr=1e-3, betas=(0.8, 0.999))

for step in range(5):
    tokens = torch.randint(0, VOCAB, (8, LENGTH))
    begin, end = torch.randint(0, 6, (8,)), torch.randint(6, LENGTH, (8,))
    p_begin, p_end = reader(tokens)
    loss = F.cross_entropy(p_begin, begin) + F.cross_entropy(p_end, end)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(reader.parameters(), 5.0)
    optimizer.step()
    print(f"step {step} loss {loss.item():.4f}")
