"""Trainings in which every parameter learns as it should, one after another; leaves what they come to, and the collectives."""

import hashlib
import os
import sys
import time
from pathlib import Path

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.fsdp import FullyShardedDataParallel, MixedPrecisionPolicy, fully_shard
from torch.nn.parallel import DistributedDataParallel

COLLECTIVES = []
for name in ("all_reduce", "all_gather", "broadcast", "barrier", "allgather", "allreduce", "reduce_scatter"):
    if hasattr(dist, name):

        def counted(*args, _name=name, _call=getattr(dist, name), **kwargs):  # noqa: B008
            COLLECTIVES.append(_name)
            return _call(*args, **kwargs)

        setattr(dist, name, counted)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(4, 8), nn.LayerNorm(8), nn.Dropout(0.1))
        self.head = nn.Linear(8, 1)

    def forward(self, x):
        return self.head(self.encoder(x).relu())


class Normalised(Net):
    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(4)

    def forward(self, x):
        return super().forward(self.norm(x))


def local(tensor):
    return tensor.to_local() if hasattr(tensor, "to_local") else tensor


def train(model, every=1, sync=None):
    torch.manual_seed(1 + dist.get_rank())
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=0.01)
    losses = []
    for step in range(4 * every):
        if sync is not None:
            sync(model, step % every == every - 1)
        x = torch.randn(16, 4)
        loss = (model(x) - x.sum(1, keepdim=True)).pow(2).mean()
        loss.backward()
        losses.append(loss.item())
        if step % every == every - 1:
            optimizer.step()
            optimizer.zero_grad()
    digest = hashlib.sha256(repr(losses).encode())
    for tensor in (*model.parameters(), *model.buffers()):
        digest.update(local(tensor.detach()).numpy().tobytes())
    digest.update(torch.get_rng_state().numpy().tobytes())
    with Path(os.environ["DIGESTS"] + os.environ["RANK"]).open("a") as written:
        print(type(model).__name__, len(COLLECTIVES), digest.hexdigest(), file=written)
    COLLECTIVES.clear()


def sharded(**options):
    torch.manual_seed(0)
    net = Net()
    fully_shard(net.encoder, **options)
    return fully_shard(net, **options)


def main():
    dist.init_process_group("gloo")
    torch.manual_seed(0)
    if "ddp" in sys.argv:
        ddp = DistributedDataParallel(Normalised())
        train(ddp)
        net = Net()
        ddp_of_net = DistributedDataParallel(net, gradient_as_bucket_view=True, static_graph=True)
        train(ddp_of_net)
        accumulating = DistributedDataParallel(Net(), find_unused_parameters=True)
        train(accumulating, 2, lambda model, last: setattr(model, "require_backward_grad_sync", last))
    if "fsdp2" in sys.argv:
        torch.manual_seed(0)
        model = sharded()
        train(model)
        mixed = sharded(mp_policy=MixedPrecisionPolicy(param_dtype=torch.bfloat16), reshard_after_forward=False)
        train(mixed)
        accumulated = sharded()
        train(accumulated, 2, lambda model, last: model.set_requires_gradient_sync(last))
        frozen = Net()
        frozen.encoder.requires_grad_(False)
        fully_shard(frozen.encoder)
        fully_shard(frozen)
        train(frozen)
    if "fsdp1" in sys.argv:
        torch.manual_seed(0)
        cpu = torch.device("cpu")
        fsdp = FullyShardedDataParallel(Net(), use_orig_params=True, device_id=cpu)
        train(fsdp)
        flat = FullyShardedDataParallel(Net(), use_orig_params=False, device_id=cpu)
        train(flat)
    # A gloo worker that drops the last trace of a backward waits for the GIL, since torch keeps a Python context in it; a
    # DistributedDataParallel that is freed meanwhile waits for the worker, and holds the GIL: torch 2.13 hangs, also alone.
    time.sleep(0.5)
    dist.destroy_process_group()


main()
