import torch
import torch.nn as nn
from torch.distributions import Categorical

torch.manual_seed(12)


class Policy(nn.Module):
    def __init__(self, obs=4, act=3):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(obs, 32), nn.Tanh())
        self.logits = nn.Linear(32, act)

    def forward(self, s):
        return Categorical(logits=self.logits(self.body(s)))


def play_episode(policy, length=15):
    s, log_probs, rewards = torch.randn(4), [], []
    for _ in range(length):
        dist = policy(s)
        a = dist.sample()
        log_probs.append(dist.log_prob(a))
        rewards.append(float(s[a]))
        s = 0.7 * s + 0.5 * torch.randn(4)
    return log_probs, rewards


policy = Policy()
optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)
for episode in range(6):
    log_probs, rewards = play_episode(policy)
    returns, g = [], 0.0
    for r in reversed(rewards):
        g = r + 0.95 * g
        returns.insert(0, g)
    returns = torch.tensor(returns)
    returns = (returns - returns.mean()) / (returns.std() + 1e-6)
    loss = -(torch.stack(log_probs) * returns).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(episode, sum(rewards), loss.item())
