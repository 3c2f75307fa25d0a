import copy

import torch
from torch import nn

shared = nn.Sequential(nn.Linear(4, 12), nn.Tanh(), nn.Linear(12, 2))
optimizer = torch.optim.RMSprop(shared.parameters(), lr=1e-3)
worker = copy.deepcopy(shared)
for _ in range(6):
    worker.load_state_dict(shared.state_dict())
    worker.zero_grad()
    dist = torch.distributions.Categorical(logits=worker(torch.randn(10, 4)))
    loss = -(dist.log_prob(dist.sample()) * torch.randn(10)).mean()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(worker.parameters(), 40)
    for ours, theirs in zip(worker.parameters(), shared.parameters(), strict=True):
        theirs.grad = ours.grad
    optimizer.step()
