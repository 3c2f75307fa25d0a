"""Lines that read like the freezes that do nothing, in programs that mean what they do."""

import itertools

import torch
import torch.nn.functional as F
from torch import nn


class Tagger(nn.Module):
    def __init__(self, width=12):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(8, width), nn.ReLU())
        self.middle = nn.Linear(width, width)
        self.head = nn.Linear(width, 3)

    def forward(self, x):
        return self.head(torch.relu(self.middle(self.encoder(x))))


def train(model, parameters, steps=4):
    optimizer = torch.optim.Adam(parameters, lr=1e-3)
    for _ in range(steps):
        loss = F.cross_entropy(model(torch.randn(16, 8)), torch.randint(0, 3, (16,)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"{loss.item():.3f}")


def comparisons(model):
    """The flag is asked for, not set: everything learns."""
    frozen = [p for p in model.encoder.parameters() if p.requires_grad == False]  # noqa: E712
    assert all((p.requires_grad == False) is False for p in model.parameters())  # noqa: E712
    print(len(frozen), "frozen")


def never_called(model):
    for p in model.encoder.parameters():
        p.requires_grad == False  # noqa: B015, E712


def under_a_switch(model, freeze=False):
    if freeze:
        for p in model.encoder.parameters():
            p.requires_grad == False  # noqa: B015, E712


def walked_by_a_list(model):
    """Gone through twice, which a list allows."""
    old = list(itertools.chain(model.encoder.parameters(), model.middle.parameters()))
    print(sum(p.numel() for p in old), "to freeze")
    for p in old:
        p.requires_grad = False


def taken_anew(model):
    old = model.encoder.parameters()
    print(sum(p.numel() for p in old), "to freeze")
    old = model.encoder.parameters()
    for p in old:
        p.requires_grad = False


def lazily_but_gone_through(model):
    list(map(lambda p: p.requires_grad_(False), model.encoder.parameters()))
    any(p.requires_grad_(False) is None for p in model.middle.parameters())


def a_flag_of_the_function(model):
    requires_grad = False
    for p in model.encoder.parameters():
        requires_grad = p.requires_grad or requires_grad
    print(requires_grad)


def norms(model):
    total = 0.0
    for p in model.parameters():
        p = p.detach()
        total += p.norm().item()
    print(f"{total:.2f}")


torch.manual_seed(3)
for prepare in (
    comparisons,
    under_a_switch,
    walked_by_a_list,
    taken_anew,
    lazily_but_gone_through,
    a_flag_of_the_function,
    norms,
):
    model = Tagger()
    prepare(model)
    train(model, [p for p in model.parameters() if p.requires_grad])
