import torch
from torch import nn
from torch.distributions import Categorical


class Corridor:
    def __init__(self, length=6):
        self.length = length

    def reset(self):
        self.place, self.time = 0, 0
        return self.observe()

    def observe(self):
        return torch.eye(self.length)[self.place]

    def step(self, action):
        self.place = min(max(self.place + (1 if action == 1 else -1), 0), self.length - 1)
        self.time += 1
        at_goal = self.place == self.length - 1
        return self.observe(), (1.0 if at_goal else -0.05 * self.time), at_goal or self.time >= 12


class Reinforce:
    def __init__(self, agent, gamma=0.95):
        self.agent = agent
        self.gamma = gamma
        self.optimizer = torch.optim.Adam(agent.parameters(), lr=1e-2)

    def rollout(self, env):
        observation, done, episode = env.reset(), False, []
        while not done:
            distribution = Categorical(logits=self.agent["policy"](observation))
            action = distribution.sample()
            log_prob = distribution.log_prob(action)
            following, reward, done = env.step(action.item())
            episode.append((observation, log_prob, reward))
            observation = following
        return episode

    def update(self, env):
        observations, log_probs, rewards = zip(*self.rollout(env))
        returns, running = [], 0.0
        for reward in reversed(rewards):
            running = reward + self.gamma * running
            returns.insert(0, running)
        returns = torch.tensor(returns)
        values = self.agent["value"](torch.stack(observations)).squeeze(-1)
        advantage = returns - values.detach()
        loss = -(torch.stack(log_probs) * advantage).mean() + 0.5 * (returns - values).pow(2).mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return sum(rewards)


if __name__ == "__main__":
    torch.manual_seed(0)
    policy = nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 2))
    value = nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 1))
    trainer = Reinforce(nn.ModuleDict({"policy": policy, "value": value}))
    for episode in range(5):
        print(f"episode {episode} return {trainer.update(Corridor()):.2f}")
