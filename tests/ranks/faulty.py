"""Trainings with one planted fault each: a frozen encoder that is trained, a detached tensor, a head that no optimizer has."""

import sys

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.fsdp import fully_shard
from torch.nn.parallel import DistributedDataParallel


class Net(nn.Module):
    def __init__(self, detached=False):
        super().__init__()
        self.encoder = nn.Linear(4, 8)
        self.head = nn.Linear(8, 1)
        self.detached = detached

    def forward(self, x):
        z = self.encoder(x).relu()
        if self.detached:
            z = z.detach()
        return self.head(z)


def spread(net):
    if "ddp" in sys.argv:
        return DistributedDataParallel(net, find_unused_parameters=True)
    fully_shard(net.encoder)
    return fully_shard(net)


def step(model, optimizer):
    x = torch.randn(16, 4)
    loss = (model(x) - x.sum(1, keepdim=True)).pow(2).mean()
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()


def leaking():
    net = Net()
    net.encoder.requires_grad = False
    typo = spread(net)
    optimizer = torch.optim.Adam(typo.parameters(), lr=0.01)
    for _ in range(4):
        step(typo, optimizer)


def cut():
    severed = spread(Net(detached=True))
    optimizer = torch.optim.Adam(severed.parameters(), lr=0.01)
    for _ in range(4):
        step(severed, optimizer)


def forgotten():
    partly = spread(Net())
    head = partly.module.head if "ddp" in sys.argv else partly.head
    optimizer = torch.optim.Adam(head.parameters(), lr=0.01)
    for _ in range(4):
        step(partly, optimizer)


dist.init_process_group("gloo")
torch.manual_seed(0)
leaking()
cut()
forgotten()
dist.destroy_process_group()
