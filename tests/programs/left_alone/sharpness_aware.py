import torch
import torch.nn as nn
import torch.nn.functional as F


class SAM(torch.optim.Optimizer):
    def __init__(self, params, base_optimizer, rho=0.05, **kwargs):
        super().__init__(params, dict(rho=rho, **kwargs))
        self.base_optimizer = base_optimizer(self.param_groups, **kwargs)
        self.param_groups = self.base_optimizer.param_groups

    @torch.no_grad()
    def first_step(self):
        grads = [p.grad.norm() for g in self.param_groups for p in g["params"] if p.grad is not None]
        norm = torch.stack(grads).norm()
        for group in self.param_groups:
            scale = group["rho"] / (norm + 1e-12)
            for p in group["params"]:
                if p.grad is None:
                    continue
                self.state[p]["old_p"] = p.data.clone()
                p.add_(p.grad * scale)
        self.zero_grad()

    @torch.no_grad()
    def second_step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p.data = self.state[p]["old_p"]
        self.base_optimizer.step()
        self.zero_grad()


def set_running_stats(model, enabled):
    for m in model.modules():
        if isinstance(m, nn.BatchNorm1d):
            if enabled:
                m.momentum = m.backup_momentum
            else:
                m.backup_momentum, m.momentum = m.momentum, 0


torch.manual_seed(28)
model = nn.Sequential(nn.Linear(10, 24, bias=False), nn.BatchNorm1d(24), nn.ReLU(), nn.Linear(24, 3))
optimizer = SAM(model.parameters(), torch.optim.SGD, rho=0.1, lr=0.05, momentum=0.9)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer.base_optimizer, T_max=10)
for step in range(5):
    x = torch.randn(32, 10)
    y = x[:, :3].argmax(1)
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    optimizer.first_step()
    set_running_stats(model, False)
    F.cross_entropy(model(x), y).backward()
    optimizer.second_step()
    set_running_stats(model, True)
    scheduler.step()
    print(step, round(loss.item(), 5), round(scheduler.get_last_lr()[0], 5))
