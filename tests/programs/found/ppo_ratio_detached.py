# expect: blockage *actor.*
from dataclasses import dataclass

import torch
from torch import nn
from torch.distributions import Normal


@dataclass
class PpoConfig:
    clip: float = 0.2
    value_weight: float = 0.5
    epochs: int = 3
    lr: float = 3e-4


class ActorCritic(nn.Module):
    def __init__(self, observation, action):
        super().__init__()
        self.actor = nn.Sequential(nn.Linear(observation, 32), nn.Tanh(), nn.Linear(32, action))
        self.critic = nn.Sequential(nn.Linear(observation, 32), nn.Tanh(), nn.Linear(32, 1))

    def log_prob(self, observation, action):
        return Normal(self.actor(observation), 0.5).log_prob(action).sum(dim=-1)


class Ppo:
    def __init__(self, model, config):
        self.model, self.config = model, config
        self.optimizer = torch.optim.Adam(model.parameters(), lr=config.lr, eps=1e-5)

    def surrogate(self, observation, action, old_log_prob, advantage):
        new_log_prob = self.model.log_prob(observation, action)
        ratio = (new_log_prob - old_log_prob).detach().exp()  # <- blame
        clipped = ratio.clamp(1 - self.config.clip, 1 + self.config.clip)
        return -torch.min(ratio * advantage, clipped * advantage).mean()

    def learn(self, observation, action, returns):
        with torch.no_grad():
            old_log_prob = self.model.log_prob(observation, action)
            advantage = returns - self.model.critic(observation).squeeze(-1)
            advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
        for _ in range(self.config.epochs):
            policy_loss = self.surrogate(observation, action, old_log_prob, advantage)
            value_loss = (self.model.critic(observation).squeeze(-1) - returns).pow(2).mean()
            loss = policy_loss + self.config.value_weight * value_loss
            self.optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), 0.5)
            self.optimizer.step()
        return policy_loss.item(), value_loss.item()


torch.manual_seed(0)
ppo = Ppo(ActorCritic(5, 2), PpoConfig())
for iteration in range(2):
    observation = torch.randn(64, 5)
    with torch.no_grad():
        action = ppo.model.actor(observation) + 0.5 * torch.randn(64, 2)
    print(iteration, ppo.learn(observation, action, -action.pow(2).sum(dim=-1)))
