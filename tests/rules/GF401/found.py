import torch
import torch.distributed as dist
from torch import nn

dist.init_process_group("gloo")
torch.manual_seed(0)
model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 1))
if dist.get_rank() == 1:
    model[0].requires_grad_(False)  # <- blame
opt = torch.optim.SGD(model.parameters(), lr=0.1)
for _ in range(4):
    opt.zero_grad()
    loss = model(torch.ones(2, 4)).square().mean()
    loss.backward()
    for p in model.parameters():
        p.grad = torch.zeros_like(p) if p.grad is None else p.grad
        dist.all_reduce(p.grad)
    if dist.get_rank() == 1:
        for p in model[0].parameters():
            p.grad = None
    opt.step()
dist.destroy_process_group()
