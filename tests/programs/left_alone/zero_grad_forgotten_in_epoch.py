import torch
import torch.nn.functional as F
from torch import nn


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(30, 12)
        self.rnn = nn.GRU(12, 12, batch_first=True)
        self.out = nn.Linear(12, 4)

    def forward(self, tokens):
        hidden, _ = self.rnn(self.embedding(tokens))
        return self.out(hidden)


def run_epoch(model, optimizer, batches):
    model.train()
    total = 0.0
    for tokens, tags in batches:
        loss = F.cross_entropy(model(tokens).flatten(0, 1), tags.flatten())
        model.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        total += loss.item()
    return total / len(batches)


def main():
    model = Tagger()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    batches = [(torch.randint(0, 30, (4, 7)), torch.randint(0, 4, (4, 7))) for _ in range(6)]
    print(run_epoch(model, optimizer, batches))


main()
