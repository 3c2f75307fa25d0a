# options: --frozen critic@actor_loss
import torch
from torch import nn

torch.manual_seed(1)
actor = nn.Sequential(nn.Linear(5, 16), nn.Tanh(), nn.Linear(16, 2), nn.Tanh())
critic = nn.Sequential(nn.Linear(7, 16), nn.Tanh(), nn.Linear(16, 1))
actor_optimizer = torch.optim.Adam(actor.parameters(), lr=1e-3)
critic_optimizer = torch.optim.Adam(critic.parameters(), lr=1e-3)


def value(observation, action):
    return critic(torch.cat([observation, action], dim=1))


for step in range(5):
    observation, action, reward = torch.randn(16, 5), torch.rand(16, 2), torch.randn(16, 1)
    critic_loss = nn.functional.mse_loss(value(observation, action), reward)
    critic_optimizer.zero_grad()
    critic_loss.backward()
    critic_optimizer.step()

    critic.requires_grad_(False)
    actor_loss = -value(observation, actor(observation)).mean()
    actor_optimizer.zero_grad()
    actor_loss.backward()
    actor_optimizer.step()
    critic.requires_grad_(True)
    print(step, critic_loss.item(), actor_loss.item())
