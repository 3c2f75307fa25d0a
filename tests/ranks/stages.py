"""A pipeline of two stages: each rank holds and steps a part of the model that the other has never heard of."""

import torch
import torch.distributed as dist
from torch import nn

dist.init_process_group("gloo")
torch.manual_seed(dist.get_rank())
if dist.get_rank() == 0:
    encoder = nn.Linear(4, 4)
    optimizer = torch.optim.SGD(encoder.parameters(), lr=0.1)
else:
    head = nn.Linear(4, 2)
    optimizer = torch.optim.SGD(head.parameters(), lr=0.1)

for _ in range(3):
    optimizer.zero_grad()
    if dist.get_rank() == 0:
        hidden = encoder(torch.randn(8, 4))
        dist.send(hidden.detach(), 1)
        gradient = torch.empty_like(hidden)
        dist.recv(gradient, 1)
        hidden.backward(gradient)
    else:
        hidden = torch.empty(8, 4)
        dist.recv(hidden, 0)
        hidden.requires_grad_()
        loss = head(hidden).pow(2).mean()
        loss.backward()
        dist.send(hidden.grad, 0)
    optimizer.step()
dist.barrier()
dist.destroy_process_group()
