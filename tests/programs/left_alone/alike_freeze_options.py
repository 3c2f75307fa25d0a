"""Freezes by patterns of the configuration that find nothing, as they should."""

import argparse
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--freeze", nargs="*", default=[])
parser.add_argument("--freeze-prefix", default="")
parser.add_argument("--unused-in-small", nargs="*", default=["vision_tower", "resampler"])
args = parser.parse_args([])


@dataclass
class Config:
    frozen: tuple = ()
    trainable: list = field(default_factory=lambda: ["encoder", "head"])


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(6, 10), nn.Tanh())
        self.head = nn.Linear(10, 2)

    def forward(self, x):
        return self.head(self.encoder(x))


def by_an_empty_option(model):
    for name, p in model.named_parameters():
        if any(name.startswith(prefix) for prefix in args.freeze):
            p.requires_grad = False


def by_an_empty_prefix(model):
    for name, p in model.named_parameters():
        if args.freeze_prefix and name.startswith(args.freeze_prefix):
            p.requires_grad_(False)


def by_parts_that_only_the_large_model_has(model):
    for name, p in model.named_parameters():
        if name.split(".")[0] in args.unused_in_small:
            p.requires_grad = False


def by_what_is_to_learn(model, config):
    for name, p in model.named_parameters():
        p.requires_grad = any(name.startswith(part) for part in config.trainable)


def all_but(model, frozen=("head",)):
    for name, p in model.named_parameters():
        p.requires_grad = not name.startswith(tuple(frozen))


def by_the_config(model, config):
    for name, p in model.named_parameters():
        if not name.startswith(tuple(config.frozen)):
            continue
        p.requires_grad = False


torch.manual_seed(0)
for prepare in (
    by_an_empty_option,
    by_an_empty_prefix,
    by_parts_that_only_the_large_model_has,
    lambda model: by_what_is_to_learn(model, Config()),
    all_but,
    lambda model: by_the_config(model, Config()),
):
    net = Model()
    prepare(net)
    optimizer = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], lr=0.05)
    for _ in range(4):
        loss = F.cross_entropy(net(torch.randn(8, 6)), torch.randint(0, 2, (8,)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"{loss.item():.3f}")
