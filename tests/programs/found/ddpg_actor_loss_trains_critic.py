# expect: leak *critic.*
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(71)
S, A = 5, 2


class Actor(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(S, 32), nn.ReLU(), nn.Linear(32, A), nn.Tanh())

    def forward(self, s):
        return self.net(s)


class Critic(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(S + A, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, s, a):
        return self.net(torch.cat([s, a], -1)).squeeze(-1)


actor, critic = Actor(), Critic()
optimizer = torch.optim.Adam([{"params": actor.parameters(), "lr": 1e-3}, {"params": critic.parameters(), "lr": 2e-3}])

for i in range(8):
    s, a = torch.randn(64, S), torch.rand(64, A) * 2 - 1
    ret = (s[:, :A] * a).sum(-1)                       # Monte-Carlo return
    critic_loss = F.mse_loss(critic(s, a), ret)
    actor_loss = -critic(s, actor(s)).mean()  # <- blame
    loss = critic_loss + actor_loss  # <- blame
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"{i}: critic {critic_loss.item():.4f} actor {actor_loss.item():.4f}")
