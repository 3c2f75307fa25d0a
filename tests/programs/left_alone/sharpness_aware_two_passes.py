"""Sharpness-aware minimisation over a frozen embedding: weights are moved uphill, a second gradient is taken, moved back."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(9)


class SAM(torch.optim.Optimizer):
    def __init__(self, params, base, rho=0.05, **kwargs):
        super().__init__(params, dict(rho=rho, **kwargs))
        self.base = base(self.param_groups, **kwargs)
        self.param_groups = self.base.param_groups

    @torch.no_grad()
    def first_step(self):
        grads = [p.grad.norm() for g in self.param_groups for p in g["params"] if p.grad is not None]
        norm = torch.stack(grads).norm()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                self.state[p]["old"] = p.data.clone()
                p.add_(p.grad, alpha=(group["rho"] / (norm + 1e-12)).item())
        self.zero_grad()

    @torch.no_grad()
    def second_step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p.data = self.state[p]["old"]
        self.base.step()
        self.zero_grad()

    def step(self, closure=None):
        raise NotImplementedError("use first_step and second_step")


words = nn.Embedding(30, 12)
words.weight.requires_grad_(False)
model = nn.Sequential(nn.Flatten(), nn.Linear(5 * 12, 24), nn.ReLU(), nn.Linear(24, 2))
optimizer = SAM(model.parameters(), torch.optim.SGD, rho=0.05, lr=0.1, momentum=0.9)
for step in range(5):
    tokens = torch.randint(0, 30, (24, 5))
    label = (tokens[:, 0] > tokens[:, 1]).long()
    loss = F.cross_entropy(model(words(tokens)), label)
    loss.backward()
    optimizer.first_step()
    F.cross_entropy(model(words(tokens)), label).backward()
    optimizer.second_step()
    print(step, loss.item())
