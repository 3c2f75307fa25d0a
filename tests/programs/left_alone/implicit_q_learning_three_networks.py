"""Implicit Q-learning: expectile value, Q against the value, policy by weighted regression; each sees the others fixed."""
import copy

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(5)
S, A, GAMMA = 4, 2, 0.99


def mlp(i, o):
    return nn.Sequential(nn.Linear(i, 32), nn.ReLU(), nn.Linear(32, o))


q, v, policy = mlp(S + A, 1), mlp(S, 1), mlp(S, A)
q_target = copy.deepcopy(q).requires_grad_(False)
q_opt = torch.optim.Adam(q.parameters(), lr=3e-3)
v_opt = torch.optim.Adam(v.parameters(), lr=3e-3)
policy_opt = torch.optim.Adam(policy.parameters(), lr=3e-3)


def expectile(diff, tau=0.7):
    return (torch.where(diff > 0, tau, 1 - tau) * diff**2).mean()


for step in range(6):
    s, a = torch.randn(32, S), torch.rand(32, A) * 2 - 1
    r = -(a - s[:, :A]).pow(2).sum(1, keepdim=True)
    s_next = s + 0.1 * torch.randn_like(s)
    with torch.no_grad():
        target = q_target(torch.cat([s, a], 1))
        next_v = v(s_next)
    value = v(s)
    v_loss = expectile(target - value)
    v_opt.zero_grad(set_to_none=True)
    v_loss.backward()
    v_opt.step()

    q_loss = F.mse_loss(q(torch.cat([s, a], 1)), r + GAMMA * next_v)
    q_opt.zero_grad(set_to_none=True)
    q_loss.backward()
    q_opt.step()
    for t, p in zip(q_target.parameters(), q.parameters()):
        t.data.copy_(0.995 * t.data + 0.005 * p.data)

    weight = torch.exp(3.0 * (target - value.detach())).clamp(max=100.0)
    bc = (policy(s) - a).pow(2).sum(1, keepdim=True)
    policy_loss = (weight * bc).mean()
    policy_opt.zero_grad(set_to_none=True)
    policy_loss.backward()
    policy_opt.step()
    print(step, v_loss.item(), q_loss.item(), policy_loss.item())
