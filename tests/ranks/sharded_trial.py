"""Asks for a diagnosis of a sharded model, and trains it afterwards."""

import torch
import torch.distributed as dist
from torch.distributed.fsdp import fully_shard

from gradcheck_freeze import diagnose
from gradcheck_freeze.errors import UsageError

dist.init_process_group("gloo")
net = fully_shard(torch.nn.Linear(4, 2))
optimizer = torch.optim.Adam(net.parameters())
before = [parameter.to_local().clone() for parameter in net.parameters()]
try:
    diagnose(net, lambda: net(torch.ones(3, 4)).sum(), optimizer)
except UsageError as error:
    print(f"refused on {dist.get_rank()}: {error}", flush=True)
assert all(torch.equal(a, p.to_local()) for a, p in zip(before, net.parameters(), strict=True))
net(torch.ones(3, 4)).sum().backward()
optimizer.step()
dist.destroy_process_group()
