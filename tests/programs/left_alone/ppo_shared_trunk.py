"""PPO with shared trunk, state-independent log_std, GAE by numpy-like loop, minibatch epochs, KL early stop."""
import torch
import torch.nn as nn
from torch.distributions import Normal, Independent


class ActorCritic(nn.Module):
    def __init__(self, o, a):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(o, 32), nn.Tanh())
        self.pi = nn.Linear(32, a)
        self.v = nn.Linear(32, 1)
        self.log_std = nn.Parameter(torch.full((a,), -0.5))

    def dist(self, h):
        return Independent(Normal(self.pi(h), self.log_std.exp()), 1)

    def forward(self, s):
        h = self.trunk(s)
        return self.dist(h), self.v(h).squeeze(-1)

    @torch.no_grad()
    def act(self, s):
        d, v = self(s)
        a = d.sample()
        return a, d.log_prob(a), v


def rollout(ac, T, N):
    s = torch.randn(N, 3)
    out = []
    for _ in range(T):
        a, lp, v = ac.act(s)
        r = -(s - a).pow(2).sum(-1)
        out.append((s, a, lp, v, r))
        s = 0.9 * s + 0.1 * a + 0.05 * torch.randn_like(s)
    S, Aa, LP, V, R = map(torch.stack, zip(*out))
    _, _, last = ac.act(s)
    adv, g = torch.zeros_like(R), torch.zeros(N)
    for t in reversed(range(T)):
        nv = V[t + 1] if t + 1 < T else last
        g = R[t] + 0.95 * nv - V[t] + 0.95 * 0.9 * g
        adv[t] = g
    return [x.flatten(0, 1) for x in (S, Aa, LP, adv, adv + V)]


torch.manual_seed(12)
ac = ActorCritic(3, 3)
opt = torch.optim.Adam(ac.parameters(), lr=3e-3, eps=1e-5)
for it in range(3):
    S, A, LP, ADV, RET = rollout(ac, 16, 8)
    for epoch in range(3):
        stop = False
        for b in torch.randperm(len(S)).split(32):
            d, v = ac(S[b])
            logr = d.log_prob(A[b]) - LP[b]
            ratio = logr.exp()
            adv = (ADV[b] - ADV[b].mean()) / (ADV[b].std() + 1e-8)
            pg = -torch.min(ratio * adv, ratio.clamp(0.8, 1.2) * adv).mean()
            loss = pg + 0.5 * (v - RET[b]).pow(2).mean() - 0.01 * d.entropy().mean()
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(ac.parameters(), 0.5)
            opt.step()
            with torch.no_grad():
                stop = ((ratio - 1) - logr).mean().item() > 0.05
        if stop:
            break
    print(it, pg.item(), RET.mean().item())
