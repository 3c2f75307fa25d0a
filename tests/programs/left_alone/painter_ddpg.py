# expect-note: GF301 critic.inp.*
import copy

import torch
import torch.nn as nn
import torch.nn.functional as F


class Critic(nn.Module):
    def __init__(self, obs=9, act=3, hidden=24):
        super().__init__()
        self.inp = nn.Linear(obs + act, hidden)
        self.norm = nn.BatchNorm1d(hidden)
        self.out = nn.Linear(hidden, 1)

    def forward(self, state, action):
        return self.out(F.relu(self.norm(self.inp(torch.cat([state, action], 1)))))


def hard_update(target, source):
    for m1, m2 in zip(target.modules(), source.modules()):
        for name, value in m2._buffers.items():
            m1._buffers[name] = value.clone()
    for target_param, param in zip(target.parameters(), source.parameters()):
        target_param.data.copy_(param.data)


class Replay:
    def __init__(self, seed):
        self.g = torch.Generator().manual_seed(seed)

    def sample(self, n):
        s = torch.randn(n, 9, generator=self.g)
        a = torch.rand(n, 3, generator=self.g) * 2 - 1
        s2 = s + 0.1 * torch.randn(n, 9, generator=self.g)
        return s, a, (s[:, :3] * a).sum(1, keepdim=True), s2


torch.manual_seed(33)
actor = nn.Sequential(nn.Linear(9, 24), nn.ReLU(), nn.Linear(24, 3), nn.Tanh())
critic = Critic()
actor_target, critic_target = copy.deepcopy(actor).eval(), Critic().eval()
hard_update(critic_target, critic)
for net in (actor_target, critic_target):
    net.requires_grad_(False)

actor_optim = torch.optim.Adam(actor.parameters(), lr=1e-3)
critic_optim = torch.optim.Adam(critic.parameters(), lr=3e-3)
memory = Replay(0)

for step in range(6):
    s, a, r, s2 = memory.sample(32)
    with torch.no_grad():
        target_q = r + 0.95 * critic_target(s2, actor_target(s2))
    critic_optim.zero_grad()
    value_loss = F.mse_loss(critic(s, a), target_q)
    value_loss.backward()
    critic_optim.step()

    actor_optim.zero_grad()
    policy_loss = -critic(s, actor(s)).mean()
    policy_loss.backward()
    actor_optim.step()
    print(step, f"{value_loss.item():.5f} {policy_loss.item():.5f}")
