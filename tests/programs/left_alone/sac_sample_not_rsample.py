# expect-note: GF301 q1.*
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.distributions import Normal

torch.manual_seed(18)
OBS, ACT, ALPHA = 4, 2, 0.1


class Actor(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(OBS, 32), nn.ReLU())
        self.mu, self.log_std = nn.Linear(32, ACT), nn.Linear(32, ACT)

    def forward(self, s):
        h = self.body(s)
        dist = Normal(self.mu(h), self.log_std(h).clamp(-5, 2).exp())
        u = dist.rsample()
        a = torch.tanh(u)
        logp = (dist.log_prob(u) - torch.log(1 - a.pow(2) + 1e-6)).sum(-1)
        return a, logp


actor = Actor()
q1 = nn.Sequential(nn.Linear(OBS + ACT, 32), nn.ReLU(), nn.Linear(32, 1))
opt_actor = torch.optim.Adam(actor.parameters(), lr=1e-3)
opt_q = torch.optim.Adam(q1.parameters(), lr=1e-3)

for step in range(6):
    s = torch.randn(64, OBS)
    with torch.no_grad():
        a, _ = actor(s)
    reward = (s[:, :ACT] * a).sum(-1)
    q_loss = F.mse_loss(q1(torch.cat([s, a], -1)).squeeze(-1), reward)
    opt_q.zero_grad()
    q_loss.backward()
    opt_q.step()

    pi, logp = actor(s)
    q_term = q1(torch.cat([s, pi], -1)).mean()
    actor_loss = ALPHA * logp.mean() - q_term
    opt_actor.zero_grad()
    actor_loss.backward()
    opt_actor.step()
    print(step, q_loss.item(), actor_loss.item())
