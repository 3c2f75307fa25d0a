"""SAC with automatic temperature; critics frozen by flag during the actor step (SpinningUp style)."""
import itertools
import math
from copy import deepcopy
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.distributions import Normal

torch.manual_seed(11)
O, A = 4, 2


class Actor(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(O, 32), nn.ReLU())
        self.mu, self.log_std = nn.Linear(32, A), nn.Linear(32, A)

    def forward(self, s):
        h = self.net(s)
        dist = Normal(self.mu(h), self.log_std(h).clamp(-5, 2).exp())
        u = dist.rsample()
        logp = dist.log_prob(u).sum(-1) - (2 * (math.log(2) - u - F.softplus(-2 * u))).sum(-1)
        return torch.tanh(u), logp


class Q(nn.Module):
    def __init__(self):
        super().__init__()
        self.q = nn.Sequential(nn.Linear(O + A, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, s, a):
        return self.q(torch.cat([s, a], -1)).squeeze(-1)


pi, q1, q2 = Actor(), Q(), Q()
q1_t, q2_t = deepcopy(q1), deepcopy(q2)
for p in itertools.chain(q1_t.parameters(), q2_t.parameters()):
    p.requires_grad = False
q_params = list(itertools.chain(q1.parameters(), q2.parameters()))
log_alpha = torch.zeros(1, requires_grad=True)
pi_opt = torch.optim.Adam(pi.parameters(), lr=1e-3)
q_opt = torch.optim.Adam(q_params, lr=1e-3)
al_opt = torch.optim.Adam([log_alpha], lr=1e-2)
states = torch.randn(300, O)
goal = torch.randn(O, A) * 0.5

for t in range(20):
    s, s2 = states[torch.randint(0, 300, (2, 64))]
    with torch.no_grad():
        a, _ = pi(s)
        r = -(a - torch.tanh(s @ goal)).pow(2).sum(-1)
        a2, lp2 = pi(s2)
        backup = r + 0.95 * (torch.min(q1_t(s2, a2), q2_t(s2, a2)) - log_alpha.exp() * lp2)
    loss_q = ((q1(s, a) - backup) ** 2).mean() + ((q2(s, a) - backup) ** 2).mean()
    q_opt.zero_grad()
    loss_q.backward()
    q_opt.step()

    for p in q_params:
        p.requires_grad = False
    a_pi, lp = pi(s)
    loss_pi = (log_alpha.exp().detach() * lp - torch.min(q1(s, a_pi), q2(s, a_pi))).mean()
    pi_opt.zero_grad()
    loss_pi.backward()
    pi_opt.step()
    for p in q_params:
        p.requires_grad = True

    loss_alpha = -(log_alpha * (lp.detach() - A)).mean()
    al_opt.zero_grad()
    loss_alpha.backward()
    al_opt.step()

    with torch.no_grad():
        for a_, b_ in zip(itertools.chain(q1.parameters(), q2.parameters()), itertools.chain(q1_t.parameters(), q2_t.parameters())):
            b_.mul_(0.98).add_(0.02 * a_)
    if t % 5 == 0:
        print(t, loss_q.item(), loss_pi.item(), log_alpha.exp().item())
