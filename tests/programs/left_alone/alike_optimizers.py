# expect-note: GF301 probe.embedding.*
"""Optimizers that hold a part on purpose, averages and sums that are no fault, and an evaluation that puts all back."""

import torch
import torch.nn.functional as F
from torch import nn


class Classifier(nn.Module):
    def __init__(self, words=60, width=8):
        super().__init__()
        self.embedding = nn.Embedding(words, width)
        self.register_buffer("temperature", torch.ones(()))
        self.hidden = nn.Linear(width, width)
        self.head = nn.Linear(width, 3)

    def forward(self, tokens):
        return self.head(torch.relu(self.hidden(self.embedding(tokens).mean(dim=1)))) / self.temperature


def batch():
    return torch.randint(0, 60, (16, 5)), torch.randint(0, 3, (16,))


def train(model, optimizer, steps=4):
    for _ in range(steps):
        tokens, labels = batch()
        loss = F.cross_entropy(model(tokens), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


def sensitivity(model):
    """The gradient with respect to the embedded words alone, with the network switched off and on again."""
    model.eval()
    wanted = [p.requires_grad for p in model.parameters()]
    model.requires_grad_(False)
    embedded = torch.randn(4, 8, requires_grad=True)
    model.head(torch.relu(model.hidden(embedded))).sum().backward()
    for parameter, flag in zip(model.parameters(), wanted, strict=True):
        parameter.requires_grad_(flag)
    model.train()
    return embedded.grad.norm().item()


torch.manual_seed(2)
# new words in a trained network
words = Classifier()
print(train(words, torch.optim.SGD(words.embedding.parameters(), lr=0.1)))
# a probe on what is left as it is
probe = Classifier()
print(train(probe, torch.optim.SGD(probe.head.parameters(), lr=0.1)))
# the whole, with every rate a group of its own and one that warms up
model = Classifier().train()
parts = [model.embedding, model.hidden, model.head]
groups = [{"params": part.parameters(), "lr": 0.1 * number / 2} for number, part in enumerate(parts, 1)]
optimizer = torch.optim.SGD(groups)
for _ in range(2):
    print(train(model, optimizer), sensitivity(model))
# a second phase for the head only, after the rest is frozen
model.embedding.requires_grad_(False)
model.hidden.requires_grad_(False)
print(train(model, optimizer))
