import random
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
np.random.seed(0)
random.seed(0)

import os
import tempfile
import torch.distributed as dist
import torch.multiprocessing as mp
def work(rank, path):
    torch.manual_seed(rank)
    dist.init_process_group("gloo", init_method=f"file://{path}", rank=rank, world_size=1)
    net = nn.parallel.DistributedDataParallel(nn.Linear(4, 1))
    opt = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(2):
        loss = net(torch.randn(8, 4)).pow(2).mean()
        opt.zero_grad(); loss.backward(); opt.step(); print(rank, loss.item(), flush=True)
    dist.destroy_process_group()
if __name__ == "__main__":
    mp.spawn(work, args=(tempfile.mktemp(),), nprocs=1)
