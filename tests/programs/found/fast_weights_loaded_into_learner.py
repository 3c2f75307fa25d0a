# expect: blockage *meta.*
import copy

import torch
from torch import nn
from torch.func import functional_call
from torch.nn import functional as F


def sinusoid(n):
    amplitude, phase = torch.rand(1) * 4 + 0.5, torch.rand(1) * 3
    x = torch.rand(n, 1) * 10 - 5
    return x, amplitude * torch.sin(x + phase)


class MamlTrainer:
    def __init__(self, meta, inner_lr=0.01, inner_steps=2, tasks=3):
        self.meta = meta
        self.inner_lr = inner_lr
        self.inner_steps = inner_steps
        self.tasks = tasks
        self.optimizer = torch.optim.Adam(self.meta.parameters(), lr=1e-3)

    def adapt(self, x, y):
        weights = dict(self.meta.named_parameters())
        for _ in range(self.inner_steps):
            loss = F.mse_loss(functional_call(self.meta, weights, (x,)), y)
            grads = torch.autograd.grad(loss, list(weights.values()), create_graph=True)
            weights = {name: w - self.inner_lr * g for (name, w), g in zip(weights.items(), grads)}
        return weights

    def query_loss(self, weights, x, y):
        learner = copy.deepcopy(self.meta)  # <- blame
        learner.load_state_dict(weights)  # <- blame
        return F.mse_loss(learner(x), y)

    def meta_step(self):
        total = 0.0
        for _ in range(self.tasks):
            x, y = sinusoid(20)
            weights = self.adapt(x[:10], y[:10])
            total = total + self.query_loss(weights, x[10:], y[10:])
        self.optimizer.zero_grad()
        (total / self.tasks).backward()
        self.optimizer.step()
        return total.item() / self.tasks


if __name__ == "__main__":
    torch.manual_seed(7)
    trainer = MamlTrainer(nn.Sequential(nn.Linear(1, 24), nn.ReLU(), nn.Linear(24, 24), nn.ReLU(), nn.Linear(24, 1)))
    for step in range(4):
        print(step, trainer.meta_step())
