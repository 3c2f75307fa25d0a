"""Copies of what is trained that are fed gradient, or written back into it, as the algorithm asks for."""

import copy

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(9)


def net(inputs=6, outputs=2):
    return nn.Sequential(nn.Linear(inputs, 16), nn.Tanh(), nn.Linear(16, outputs))


def asynchronous_worker():
    """A3C: the worker's network is a copy, its gradient is handed to the shared one, and that is stepped."""
    shared = net()
    worker = copy.deepcopy(shared)
    optimizer = torch.optim.RMSprop(shared.parameters(), lr=1e-3)
    for _ in range(5):
        worker.load_state_dict(shared.state_dict())
        worker.zero_grad()
        F.mse_loss(worker(torch.randn(8, 6)), torch.randn(8, 2)).backward()
        for ours, theirs in zip(shared.parameters(), worker.parameters(), strict=True):
            ours.grad = theirs.grad.clone()
        optimizer.step()


def master_weights():
    """The forward runs in bfloat16; the optimizer steps weights in float32."""
    model = net().to(torch.bfloat16)
    master = [p.detach().clone().float().requires_grad_(True) for p in model.parameters()]
    optimizer = torch.optim.SGD(master, lr=0.05)
    for _ in range(5):
        x = torch.randn(8, 6, dtype=torch.bfloat16)
        loss = F.mse_loss(model(x).float(), torch.randn(8, 2))
        model.zero_grad()
        loss.backward()
        for ours, theirs in zip(master, model.parameters(), strict=True):
            ours.grad = theirs.grad.float()
        optimizer.step()
        with torch.no_grad():
            for ours, theirs in zip(master, model.parameters(), strict=True):
                theirs.copy_(ours)


def pulled_to_its_start():
    """Every step ends a little nearer to the weights it started from, which nothing else computes with."""
    model = net()
    start = copy.deepcopy(model).requires_grad_(False)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for _ in range(5):
        loss = F.cross_entropy(model(torch.randn(8, 6)), torch.randint(0, 2, (8,)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            for p, q in zip(model.parameters(), start.parameters(), strict=True):
                p.lerp_(q, 0.01)


def restored_at_adaptation():
    """Test-time adaptation: an average follows the model, and a few of the model's weights go back to the source's."""
    source = net().requires_grad_(False)
    model = copy.deepcopy(source).requires_grad_(True)
    average = copy.deepcopy(source)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for _ in range(5):
        x = torch.randn(8, 6)
        with torch.no_grad():
            sure = source(x).softmax(1).max(1).values.mean() > 0.6
            wanted = (average(x) if sure else average(x + 0.1 * torch.randn_like(x))).softmax(1)
        loss = -(wanted * model(x).log_softmax(1)).sum(1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            for a, p, s in zip(average.parameters(), model.parameters(), source.parameters(), strict=True):
                a.lerp_(p, 0.01)
                p.lerp_(s, 0.001)


def slow_weights():
    """Lookahead: every other step the fast weights start again from the slow ones, which have gone half the way."""
    fast = net()
    slow = copy.deepcopy(fast).requires_grad_(False)
    optimizer = torch.optim.SGD(fast.parameters(), lr=0.05)
    for step in range(6):
        loss = F.cross_entropy(fast(torch.randn(8, 6)), torch.randint(0, 2, (8,)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 2:
            with torch.no_grad():
                for s, p in zip(slow.parameters(), fast.parameters(), strict=True):
                    s.lerp_(p, 0.5)
                    p.copy_(s)


for run in (asynchronous_worker, master_weights, pulled_to_its_start, restored_at_adaptation, slow_weights):
    run()
print("done")
