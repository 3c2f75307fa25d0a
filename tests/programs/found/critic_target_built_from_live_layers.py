# expect: leak *critic*
import torch
import torch.nn.functional as F
from torch import nn


class Critic(nn.Module):
    def __init__(self, layers):
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = torch.tanh(layer(x))
        return self.layers[-1](x).squeeze(-1)


class ValueLearner:
    def __init__(self, n_states=8, gamma=0.95, tau=0.05):
        self.critic = Critic([nn.Linear(n_states, 24), nn.Linear(24, 24), nn.Linear(24, 1)])
        self.critic_target = Critic(list(self.critic.layers))  # <- blame
        self.gamma, self.tau = gamma, tau
        self.optim = torch.optim.RMSprop(self.critic.parameters(), lr=1e-3)

    def soft_update(self):
        for target, live in zip(self.critic_target.parameters(), self.critic.parameters(), strict=True):
            target.data.copy_(self.tau * live.data + (1 - self.tau) * target.data)

    def learn(self, state, reward, next_state):
        with torch.no_grad():
            target = reward + self.gamma * self.critic_target(next_state)
        loss = F.mse_loss(self.critic(state), target)
        self.optim.zero_grad()
        loss.backward()
        self.optim.step()
        self.soft_update()
        return loss.item()


torch.manual_seed(19)
learner = ValueLearner()
for t in range(5):
    print(t, learner.learn(torch.randn(16, 8), torch.rand(16), torch.randn(16, 8)))
