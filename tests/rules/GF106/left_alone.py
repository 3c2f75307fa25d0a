import copy

import torch
from torch import nn

torch.manual_seed(5)
policy_net = nn.Sequential(nn.Linear(4, 24), nn.ReLU(), nn.Linear(24, 2))
target_net = copy.deepcopy(policy_net).requires_grad_(False)
optimizer = torch.optim.Adam(policy_net.parameters(), lr=1e-3)

for step in range(5):
    state, next_state = torch.randn(16, 4), torch.randn(16, 4)
    action, reward = torch.randint(0, 2, (16, 1)), torch.randn(16)
    with torch.no_grad():
        expected = reward + 0.99 * target_net(next_state).max(1).values
    q = policy_net(state).gather(1, action).squeeze(1)
    loss = nn.functional.smooth_l1_loss(q, expected)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
