# expect-note: GF301 critic.*
"""DDPG update block; actor loss through the critic, whose gradients are cleared at the critic's own step."""
import copy
import torch
import torch.nn as nn

torch.manual_seed(10)
OBS, ACT, TAU, GAMMA = 5, 2, 0.05, 0.98


def mlp(i, o, last=None):
    layers = [nn.Linear(i, 32), nn.ReLU(), nn.Linear(32, o)]
    return nn.Sequential(*layers, *( [last] if last else [] ))


actor = mlp(OBS, ACT, nn.Tanh())
critic = mlp(OBS + ACT, 1)
actor_t, critic_t = copy.deepcopy(actor), copy.deepcopy(critic)
for p in [*actor_t.parameters(), *critic_t.parameters()]:
    p.requires_grad = False
a_opt = torch.optim.Adam(actor.parameters(), lr=1e-3)
c_opt = torch.optim.Adam(critic.parameters(), lr=2e-3, weight_decay=1e-3)


def soft_update(src, dst, tau):
    for s, d in zip(src.parameters(), dst.parameters()):
        d.data.copy_(tau * s.data + (1 - tau) * d.data)


W = torch.randn(OBS, ACT)
S = torch.randn(400, OBS)
for it in range(25):
    s = S[torch.randint(0, 400, (64,))]
    with torch.no_grad():
        a = (actor(s) + 0.2 * torch.randn(64, ACT)).clamp(-1, 1)
        r = -((a - torch.tanh(s @ W)) ** 2).sum(1, keepdim=True)
        s2 = S[torch.randint(0, 400, (64,))]
    target_q = r + GAMMA * critic_t(torch.cat([s2, actor_t(s2)], 1))
    critic_loss = nn.functional.mse_loss(critic(torch.cat([s, a], 1)), target_q.detach())
    c_opt.zero_grad()
    critic_loss.backward()
    c_opt.step()

    actor_loss = -critic(torch.cat([s, actor(s)], 1)).mean()
    a_opt.zero_grad()
    actor_loss.backward()
    a_opt.step()

    soft_update(actor, actor_t, TAU)
    soft_update(critic, critic_t, TAU)
    if it % 8 == 0:
        print(it, critic_loss.item(), actor_loss.item())
