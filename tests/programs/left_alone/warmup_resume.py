import copy

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.optim.lr_scheduler import LambdaLR, LRScheduler


class GradualWarmupScheduler(LRScheduler):
    """Climb from zero to the base rate, then hand over to `after_scheduler`."""

    def __init__(self, optimizer, total_epoch, after_scheduler):
        self.total_epoch = total_epoch
        self.after_scheduler = after_scheduler
        super().__init__(optimizer)

    def get_lr(self):
        return [base * min(1.0, self.last_epoch / self.total_epoch) for base in self.base_lrs]

    def step(self, epoch=None):
        if self.last_epoch < self.total_epoch:
            return super().step()
        self.last_epoch += 1
        self.after_scheduler.step()

    def load_state_dict(self, state):
        state = {k: v for k, v in state.items() if k != "after_scheduler"}
        self.__dict__.update(state)


def build(lr=0.05):
    net = nn.Sequential(nn.Linear(7, 20), nn.ReLU(), nn.Linear(20, 3))
    optimizer = torch.optim.SGD(net.parameters(), lr=lr, momentum=0.9)
    scheduler = GradualWarmupScheduler(optimizer, 2, LambdaLR(optimizer, lambda e: 0.9 ** e))
    return net, optimizer, scheduler


def epoch(model, optimizer, scheduler, generator):
    scheduler.step()
    for _ in range(2):
        x = torch.randn(32, 7, generator=generator)
        loss = F.cross_entropy(model(x), x[:, :3].argmax(1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


def interrupted_run(generator):
    first = build()
    for _ in range(3):
        epoch(*first, generator)
    return {"net": copy.deepcopy(first[0].state_dict()), "scheduler": first[2].state_dict()}


torch.manual_seed(51)
generator = torch.Generator().manual_seed(51)
saved = interrupted_run(generator)
student, optimizer, scheduler = build()
student.load_state_dict(saved["net"])
scheduler.load_state_dict(saved["scheduler"])
for i in range(3):
    value = epoch(student, optimizer, scheduler, generator)
    print(f"epoch {i} loss {value:.5f} lr {optimizer.param_groups[0]['lr']:.4f}")
