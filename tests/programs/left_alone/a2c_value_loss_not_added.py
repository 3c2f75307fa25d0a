from dataclasses import dataclass
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.distributions import Categorical


@dataclass
class A2CConfig:
    gamma: float = 0.9
    vf_coef: float = 0.5
    ent_coef: float = 0.01
    n_steps: int = 8
    updates: int = 6


class ActorCritic(nn.Module):
    def __init__(self):
        super().__init__()
        self.torso = nn.Sequential(nn.Linear(4, 32), nn.Tanh())
        self.policy_head = nn.Linear(32, 2)
        self.value_head = nn.Linear(32, 1)

    def forward(self, s):
        h = self.torso(s)
        return Categorical(logits=self.policy_head(h)), self.value_head(h).squeeze(-1)


torch.manual_seed(30)
cfg, ac = A2CConfig(), ActorCritic()
optimizer = torch.optim.RMSprop(ac.parameters(), lr=1e-3)
s = torch.randn(16, 4)
for update in range(cfg.updates):
    logps, values, ents, rewards = [], [], [], []
    for _ in range(cfg.n_steps):
        dist, v = ac(s)
        a = dist.sample()
        logps.append(dist.log_prob(a)); values.append(v); ents.append(dist.entropy())
        rewards.append(torch.where(a == (s[:, 0] > 0).long(), 1.0, -1.0))
        s = 0.8 * s + 0.6 * torch.randn_like(s)
    with torch.no_grad():
        ret, returns = ac(s)[1], []
        for r in reversed(rewards):
            ret = r + cfg.gamma * ret
            returns.insert(0, ret)
    returns, values = torch.stack(returns), torch.stack(values)
    adv = returns - values
    policy_loss = -(torch.stack(logps) * adv.detach()).mean()
    value_loss = adv.pow(2).mean()
    entropy = torch.stack(ents).mean()
    loss = policy_loss + cfg.vf_coef * value_loss - cfg.ent_coef * entropy
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(ac.parameters(), 0.5)
    optimizer.step()
    print(update, policy_loss.item(), value_loss.item(), entropy.item())
