from dataclasses import dataclass

import torch
from torch import nn
from torch.distributions import Categorical


@dataclass
class ReinforceConfig:
    lr: float = 5e-3
    gamma: float = 0.98
    entropy: float = 0.01
    max_grad_norm: float = 0.0
    episodes: int = 5


class Corridor:
    """Walk right to reach the goal."""

    def __init__(self, length=6):
        self.length = length

    def reset(self):
        self.position = 1
        return self.observe()

    def observe(self):
        return torch.nn.functional.one_hot(torch.tensor(self.position), self.length).float()

    def step(self, action):
        self.position = max(0, self.position + (1 if action == 1 else -1))
        done = self.position in (0, self.length - 1)
        return self.observe(), float(self.position == self.length - 1) - 0.05, done


class Reinforce:
    def __init__(self, environment, config):
        self.environment = environment
        self.config = config
        self.policy = nn.Sequential(nn.Linear(environment.length, 16), nn.Tanh(), nn.Linear(16, 2))
        self.optimizer = torch.optim.Adam(self.policy.parameters(), lr=config.lr)

    def play(self, limit=20):
        observation, done, terms, rewards = self.environment.reset(), False, [], []
        while not done and len(rewards) < limit:
            distribution = Categorical(logits=self.policy(observation))
            action = distribution.sample()
            observation, reward, done = self.environment.step(action.item())
            terms.append((distribution.log_prob(action), distribution.entropy()))
            rewards.append(reward)
        return terms, rewards

    def update(self, terms, rewards):
        value, loss = 0.0, 0.0
        for (log_probability, entropy), reward in zip(reversed(terms), reversed(rewards), strict=True):
            value = reward + self.config.gamma * value
            loss = loss - log_probability * value - self.config.entropy * entropy
        self.optimizer.zero_grad()
        loss.backward()
        if self.config.max_grad_norm > 0:
            nn.utils.clip_grad_norm_(self.policy.parameters(), self.config.max_grad_norm)
        self.optimizer.step()
        return sum(rewards)

    def run(self):
        for episode in range(self.config.episodes):
            print(f"episode {episode} reward {self.update(*self.play()):.2f}")


torch.manual_seed(109)
Reinforce(Corridor(), ReinforceConfig()).run()
