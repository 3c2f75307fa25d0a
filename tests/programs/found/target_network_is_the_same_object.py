# expect: leak *_net.*
import random

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
random.seed(0)

GAMMA = 0.99
SYNC_EVERY = 4

policy_net = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 2))
target_net = policy_net  # <- blame
target_net.eval()

optimizer = torch.optim.Adam(policy_net.parameters(), lr=1e-3)
memory = [
    (torch.randn(4), random.randrange(2), random.random(), torch.randn(4), random.random() < 0.1) for _ in range(64)
]

for step in range(1, 7):
    states, actions, rewards, next_states, dones = zip(*random.sample(memory, 16), strict=True)
    states, next_states = torch.stack(states), torch.stack(next_states)
    actions = torch.tensor(actions).unsqueeze(1)
    rewards, dones = torch.tensor(rewards), torch.tensor(dones).float()

    q = policy_net(states).gather(1, actions).squeeze(1)
    with torch.no_grad():
        next_q = target_net(next_states).max(dim=1).values
    expected = rewards + GAMMA * (1 - dones) * next_q

    loss = F.smooth_l1_loss(q, expected)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

    if step % SYNC_EVERY == 0:
        target_net.load_state_dict(policy_net.state_dict())
    print(step, round(loss.item(), 4))
