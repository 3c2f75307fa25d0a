"""C51: the target distribution is projected onto the support with floor and index_add, all without gradient."""
import copy

import torch
import torch.nn as nn

torch.manual_seed(6)
ATOMS, ACTIONS, VMIN, VMAX, GAMMA = 11, 3, -5.0, 5.0, 0.9
support = torch.linspace(VMIN, VMAX, ATOMS)
delta = (VMAX - VMIN) / (ATOMS - 1)


class C51(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 32), nn.ReLU())
        self.logits = nn.Linear(32, ACTIONS * ATOMS)

    def forward(self, obs):
        return self.logits(self.body(obs)).view(-1, ACTIONS, ATOMS).log_softmax(-1)


online = C51()
target = copy.deepcopy(online)
optimizer = torch.optim.Adam(online.parameters(), lr=1e-3)


@torch.no_grad()
def projected_target(obs, reward, done):
    dist = target(obs).exp()
    best = (online(obs).exp() * support).sum(-1).argmax(1)
    dist = dist[torch.arange(len(obs)), best]
    z = (reward.unsqueeze(1) + GAMMA * (1 - done.unsqueeze(1)) * support).clamp(VMIN, VMAX)
    b = (z - VMIN) / delta
    low, high = b.floor().long(), b.ceil().long()
    low[(high > 0) & (low == high)] -= 1
    high[(low < ATOMS - 1) & (low == high)] += 1
    out = torch.zeros_like(dist)
    offset = (torch.arange(len(obs)) * ATOMS).unsqueeze(1)
    out.view(-1).index_add_(0, (low + offset).view(-1), (dist * (high - b)).view(-1))
    out.view(-1).index_add_(0, (high + offset).view(-1), (dist * (b - low)).view(-1))
    return out


for step in range(6):
    obs, action = torch.randn(32, 4), torch.randint(0, ACTIONS, (32,))
    reward, done = torch.randn(32), (torch.rand(32) < 0.1).float()
    wanted = projected_target(obs + 0.1 * torch.randn(32, 4), reward, done)
    log_p = online(obs)[torch.arange(32), action]
    loss = -(wanted * log_p).sum(1).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 2 == 1:
        target.load_state_dict(online.state_dict())
    print(step, loss.item())
