# expect: blockage *policy.log_std
import torch
from torch import nn
from torch.distributions import Independent, Normal


class GaussianPolicy(nn.Module):
    LOG_STD_MIN, LOG_STD_MAX = -2.0, 2.0

    def __init__(self, observation, action, initial_log_std=-3.0):  # <- blame
        super().__init__()
        self.mean = nn.Sequential(nn.Linear(observation, 32), nn.Tanh(), nn.Linear(32, action))
        self.log_std = nn.Parameter(torch.full((action,), initial_log_std))  # <- blame

    def forward(self, observation):
        log_std = self.log_std.clamp(self.LOG_STD_MIN, self.LOG_STD_MAX)  # <- blame
        return Independent(Normal(self.mean(observation), log_std.exp()), 1)


class BehaviourCloning:
    def __init__(self, policy, lr=1e-3):
        self.policy = policy
        self.optimizer = torch.optim.Adam(policy.parameters(), lr=lr)

    def update(self, observation, action):
        loss = -self.policy(observation).log_prob(action).mean()
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.policy.parameters(), 10.0)
        self.optimizer.step()
        return loss.item()


torch.manual_seed(0)
agent = BehaviourCloning(GaussianPolicy(8, 3))
expert = nn.Linear(8, 3).requires_grad_(False)
for step in range(5):
    observation = torch.randn(40, 8)
    print(step, agent.update(observation, expert(observation) + 0.3 * torch.randn(40, 3)))
