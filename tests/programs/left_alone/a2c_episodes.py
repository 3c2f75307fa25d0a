"""A2C on a bandit-like corridor; advantages detached; two heads with separate optimizers and one backward."""
import torch
from torch import nn
from torch.distributions import Categorical

torch.manual_seed(13)
policy = nn.Sequential(nn.Linear(4, 24), nn.ReLU(), nn.Linear(24, 3))
value = nn.Sequential(nn.Linear(4, 24), nn.ReLU(), nn.Linear(24, 1))
opt_p = torch.optim.RMSprop(policy.parameters(), lr=2e-3)
opt_v = torch.optim.RMSprop(value.parameters(), lr=5e-3)
best = torch.randn(4, 3)


def episode(n=12):
    s = torch.randn(4)
    logps, vals, rews, ents = [], [], [], []
    for _ in range(n):
        d = Categorical(logits=policy(s))
        a = d.sample()
        logps.append(d.log_prob(a)); ents.append(d.entropy()); vals.append(value(s).squeeze())
        rews.append(float(a.item() == (s @ best).argmax().item()))
        s = torch.randn(4)
    return torch.stack(logps), torch.stack(vals), rews, torch.stack(ents)


for ep in range(14):
    logps, vals, rews, ents = episode()
    R, returns = 0.0, []
    for r in reversed(rews):
        R = r + 0.9 * R
        returns.insert(0, R)
    returns = torch.tensor(returns)
    adv = returns - vals.detach()
    policy_loss = -(logps * adv).mean() - 0.01 * ents.mean()
    value_loss = nn.functional.mse_loss(vals, returns)
    opt_p.zero_grad(); opt_v.zero_grad()
    (policy_loss + value_loss).backward()
    opt_p.step(); opt_v.step()
    if ep % 4 == 0:
        print(ep, sum(rews), policy_loss.item(), value_loss.item())
