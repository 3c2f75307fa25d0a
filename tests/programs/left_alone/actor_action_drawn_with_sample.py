# expect-note: GF301 agent.critic.*
import copy

import torch
from torch import nn
from torch.distributions import Normal
from torch.nn import functional as F


class Actor(nn.Module):
    def __init__(self, observation, action):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(observation, 32), nn.ReLU())
        self.mean = nn.Linear(32, action)
        self.log_std = nn.Linear(32, action)

    def forward(self, observation):
        h = self.body(observation)
        distribution = Normal(self.mean(h), self.log_std(h).clamp(-4, 1).exp())
        return torch.tanh(distribution.rsample())


class Agent:
    def __init__(self, observation=6, action=2, gamma=0.98, tau=0.01):
        self.gamma, self.tau = gamma, tau
        self.actor = Actor(observation, action)
        self.critic = nn.Sequential(nn.Linear(observation + action, 32), nn.ReLU(), nn.Linear(32, 1))
        self.target_critic = copy.deepcopy(self.critic).requires_grad_(False)
        self.actor_optimizer = torch.optim.Adam(self.actor.parameters(), lr=3e-4)
        self.critic_optimizer = torch.optim.Adam(self.critic.parameters(), lr=1e-3)

    def update(self, observation, action, reward, following):
        with torch.no_grad():
            following_value = self.target_critic(torch.cat([following, self.actor(following)], dim=1))
            target = reward + self.gamma * following_value
        critic_loss = F.mse_loss(self.critic(torch.cat([observation, action], dim=1)), target)
        self.critic_optimizer.zero_grad()
        critic_loss.backward()
        self.critic_optimizer.step()

        actor_loss = -self.critic(torch.cat([observation, self.actor(observation)], dim=1)).mean()
        self.actor_optimizer.zero_grad()
        actor_loss.backward()
        self.actor_optimizer.step()

        with torch.no_grad():
            for target_parameter, parameter in zip(self.target_critic.parameters(), self.critic.parameters()):
                target_parameter.lerp_(parameter, self.tau)
        return critic_loss.item(), actor_loss.item()


if __name__ == "__main__":
    torch.manual_seed(0)
    agent = Agent()
    for update in range(5):
        batch = torch.randn(32, 6), torch.rand(32, 2) * 2 - 1, torch.randn(32, 1), torch.randn(32, 6)
        print(update, *agent.update(*batch))
