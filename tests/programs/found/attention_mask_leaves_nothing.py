# expect: blockage *attention.query.*
# expect: blockage *attention.key.*
import math

import torch
from torch import nn
from torch.nn import functional as F

PAD = 0


class MaskedAttention(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width)

    def forward(self, x, lengths):
        positions = torch.arange(x.size(1))
        hidden = (positions[None, :] >= lengths[:, None]).unsqueeze(1)
        scores = self.query(x) @ self.key(x).transpose(1, 2) / math.sqrt(x.size(-1))
        scores = scores.masked_fill(hidden, -1e9)  # <- blame 1 2
        return scores.softmax(dim=-1) @ self.value(x)


class SequenceClassifier(nn.Module):
    def __init__(self, vocabulary=20, width=12, classes=3):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.attention = MaskedAttention(width)
        self.classify = nn.Linear(width, classes)

    def forward(self, tokens):
        x = self.embedding(tokens)
        lengths = tokens.eq(PAD).sum(dim=1)  # <- blame 1 2
        return self.classify((x + self.attention(x, lengths)).mean(dim=1))


def main():
    torch.manual_seed(0)
    model = SequenceClassifier()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for step in range(4):
        tokens, labels = torch.randint(1, 20, (8, 6)), torch.randint(0, 3, (8,))
        loss = F.cross_entropy(model(tokens), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(step, loss.item())


main()
