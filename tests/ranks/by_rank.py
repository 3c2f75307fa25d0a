"""Trainings in which ranks do different things: experts by rank, a freeze on one rank, a head that nothing averages."""

import sys
import time

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.fsdp import fully_shard
from torch.nn.parallel import DistributedDataParallel


class Experts(nn.Module):
    """Each rank sends its batch through an expert of its own."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Linear(4, 8)
        self.experts = nn.ModuleList(nn.Linear(8, 8) for _ in range(dist.get_world_size()))
        self.head = nn.Linear(8, 1)

    def forward(self, x):
        return self.head(self.experts[dist.get_rank()](self.stem(x).relu()).relu())


class Rows(nn.Module):
    """Each rank looks up rows of its own, so that most rows of a gradient are zero on the others."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(8, 4)
        self.head = nn.Linear(4, 1)

    def forward(self, x):
        return self.head(self.table(torch.arange(4) % 2 + 6))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Linear(4, 8)
        self.head = nn.Linear(8, 1)

    def forward(self, x):
        return self.head(self.encoder(x).relu())


def train(model, *others):
    optimizer = torch.optim.Adam([p for m in (model, *others) for p in m.parameters()], lr=0.01)
    for step in range(4):
        torch.manual_seed(10 * step + dist.get_rank())
        x = torch.randn(16, 4)
        y = model(x)
        for other in others:
            y = other(y)
        loss = (y - 1).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def experts():
    routed = DistributedDataParallel(Experts(), find_unused_parameters=True)
    train(routed)


def rows():
    looked_up = fully_shard(Rows())
    train(looked_up)


def frozen_in_ddp():
    wrapped = DistributedDataParallel(Net(), find_unused_parameters=True)
    if dist.get_rank() == 1:
        wrapped.module.head.requires_grad_(False)
    train(wrapped)


def frozen_alone():
    plain = Net()
    if dist.get_rank() == 1:
        plain.head.requires_grad_(False)
    optimizer = torch.optim.SGD(plain.parameters(), lr=0.01)
    for step in range(4):
        torch.manual_seed(10 * step + dist.get_rank())
        loss = (plain(torch.randn(16, 4)) - 1).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        for p in plain.parameters():
            gradient = torch.zeros_like(p) if p.grad is None else p.grad
            dist.all_reduce(gradient)
        optimizer.step()


def outside():
    inner = DistributedDataParallel(nn.Linear(4, 8))
    outer = nn.Linear(8, 1)
    train(inner, outer)


def unused():
    partly = DistributedDataParallel(Experts())
    train(partly)


dist.init_process_group("gloo")
for name in sys.argv[1:]:
    torch.manual_seed(0)
    globals()[name]()
time.sleep(0.5)  # for gloo's workers, see clean.py
dist.destroy_process_group()
