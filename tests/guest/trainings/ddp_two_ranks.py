import random
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
np.random.seed(0)
random.seed(0)

import tempfile
import torch.distributed as dist
import torch.multiprocessing as mp

def work(rank, path):
    torch.manual_seed(rank)
    dist.init_process_group("gloo", init_method=f"file://{path}", rank=rank, world_size=2)
    net = nn.parallel.DistributedDataParallel(nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5), nn.Linear(4, 1)))
    opt = torch.optim.SGD(net.parameters(), lr=0.1)
    losses = []
    for _ in range(3):
        loss = net(torch.randn(8, 4)).pow(2).mean()
        opt.zero_grad(); loss.backward(); opt.step(); losses.append(loss.item())
    torch.save({"net": net.state_dict(), "rng": torch.get_rng_state(), "losses": losses}, f"rank{rank}.pt")
    dist.destroy_process_group()
if __name__ == "__main__":
    net = nn.Linear(4, 1)
    opt = torch.optim.SGD(net.parameters(), lr=0.1)
    net(torch.randn(8, 4)).pow(2).mean().backward(); opt.step()
    with tempfile.TemporaryDirectory() as folder:
        mp.spawn(work, args=(f"{folder}/store",), nprocs=2)
    for rank in range(2):
        print(torch.load(f"rank{rank}.pt")["losses"])
    del folder
