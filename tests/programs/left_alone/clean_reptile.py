from copy import deepcopy

import torch
import torch.nn as nn

torch.manual_seed(1)

META_STEPS = 4
INNER_STEPS = 3
META_LR = 0.5

model = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))
mse = nn.MSELoss()


def make_task():
    amplitude, phase = 1 + 2 * torch.rand(1), 3 * torch.rand(1)
    x = torch.rand(20, 1) * 10 - 5
    return x, amplitude * torch.sin(x + phase)


for meta_step in range(META_STEPS):
    x, y = make_task()
    fast = deepcopy(model)
    inner = torch.optim.SGD(fast.parameters(), lr=0.02)
    for _ in range(INNER_STEPS):
        loss = mse(fast(x), y)
        inner.zero_grad()
        loss.backward()
        inner.step()

    # Reptile: move the initial weights some of the way to the adapted ones
    with torch.no_grad():
        for slow_weight, fast_weight in zip(model.parameters(), fast.parameters(), strict=True):
            slow_weight.add_(META_LR * (1 - meta_step / META_STEPS) * (fast_weight - slow_weight))

    print(f"meta step {meta_step}  task loss {loss.item():.4f}")

model.eval()
with torch.no_grad():
    x, y = make_task()
    print("before adaptation:", mse(model(x), y).item())
