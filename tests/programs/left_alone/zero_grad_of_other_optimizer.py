import torch
from torch import nn


class Agent:
    def __init__(self):
        self.policy = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 2))
        self.value = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1))
        self.policy_opt = torch.optim.Adam(self.policy.parameters(), lr=1e-3)
        self.value_opt = torch.optim.Adam(self.value.parameters(), lr=1e-3)

    def update(self, states, returns):
        values = self.value(states).squeeze(1)
        value_loss = (values - returns).pow(2).mean()
        self.value_opt.zero_grad()
        value_loss.backward()
        self.value_opt.step()

        dist = torch.distributions.Categorical(logits=self.policy(states))
        actions = dist.sample()
        policy_loss = -(dist.log_prob(actions) * (returns - values.detach())).mean()
        self.policy_opt.zero_grad()
        policy_loss.backward()
        self.policy_opt.step()
        return policy_loss.item()

    def learn(self, updates):
        for _ in range(updates):
            print(self.update(torch.randn(20, 4), torch.randn(20)))


Agent().learn(5)
