import torch
import torch.distributed as dist
from torch import nn

dist.init_process_group("gloo")
torch.manual_seed(0)
body = nn.Linear(4, 4)
head = nn.Linear(4, 1)
opt = torch.optim.SGD([*body.parameters(), *head.parameters()], lr=0.1)
torch.manual_seed(dist.get_rank())
for _ in range(4):
    opt.zero_grad()
    loss = head(body(torch.randn(2, 4))).square().mean()
    loss.backward()
    for p in [*body.parameters(), *head.parameters()]:
        dist.all_reduce(p.grad)
    opt.step()
dist.destroy_process_group()
