# options: --guard --steps 3
import copy

import torch
from torch import nn

torch.manual_seed(121)
online = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2))
target = copy.deepcopy(online).requires_grad_(False)
average = copy.deepcopy(online).requires_grad_(False)
optimizer = torch.optim.Adam(online.parameters(), lr=1e-2)

for step in range(40):
    state, reward, after = torch.randn(32, 4), torch.randn(32), torch.randn(32, 4)
    chosen = online(state).max(dim=1).values
    goal = reward + 0.9 * target(after).max(dim=1).values + 0.0 * average(after).sum(dim=1)
    loss = nn.functional.smooth_l1_loss(chosen, goal)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    with torch.no_grad():
        for held, fresh in zip(average.parameters(), online.parameters()):
            held.lerp_(fresh, 0.05)
    if step % 10 == 9:
        target.load_state_dict(online.state_dict())
print(loss.item())
