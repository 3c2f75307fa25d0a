import argparse

import torch
import torch.nn.functional as F
from torch import nn
from torch.distributions import Normal


class Policy(nn.Module):
    def __init__(self, state_dim=2):
        super().__init__()
        self.mean = nn.Sequential(nn.Linear(state_dim, 24), nn.Dropout(p=0.1), nn.Tanh(), nn.Linear(24, 1))
        self.log_std = nn.Parameter(torch.zeros(1))
        self.saved_log_probs, self.rewards = [], []

    def forward(self, x):
        return Normal(self.mean(x), self.log_std.exp())


def select_action(policy, state):
    distribution = policy(state)
    action = distribution.sample()
    policy.saved_log_probs.append(distribution.log_prob(action).sum())
    return action


def env_step(state, action):
    velocity = 0.9 * state[1] + 0.5 * action.squeeze()
    position = 0.9 * state[0] + 0.5 * velocity
    return torch.stack([position, velocity]), -position.abs().item()


def discounted_returns(rewards, gamma):
    R, returns = 0.0, []
    for r in reversed(rewards):
        R = r + gamma * R
        returns.insert(0, R)
    return torch.tensor(returns)


def finish_episode(policy, baseline, states, policy_optimizer, baseline_optimizer, gamma):
    returns = discounted_returns(policy.rewards, gamma)
    values = baseline(torch.stack(states)).squeeze(1)

    value_loss = F.mse_loss(values, returns)
    baseline_optimizer.zero_grad()
    value_loss.backward()
    baseline_optimizer.step()

    advantages = returns - values.detach()
    policy_loss = -(torch.stack(policy.saved_log_probs) * advantages).sum()
    policy_optimizer.zero_grad()
    policy_loss.backward()
    policy_optimizer.step()

    del policy.rewards[:], policy.saved_log_probs[:]
    return policy_loss.item(), value_loss.item()


def main():
    parser = argparse.ArgumentParser(description="REINFORCE with a learned baseline")
    parser.add_argument("--gamma", type=float, default=0.99)
    args = parser.parse_args()
    torch.manual_seed(543)
    policy = Policy()
    baseline = nn.Sequential(nn.Linear(2, 24), nn.ReLU(), nn.Linear(24, 1))
    policy_optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)
    baseline_optimizer = torch.optim.Adam(baseline.parameters(), lr=1e-2)
    for i_episode in range(6):
        state, states = torch.randn(2), []
        for _ in range(20):
            action = select_action(policy, state)
            states.append(state)
            state, reward = env_step(state, action)
            policy.rewards.append(reward)
        print(i_episode, finish_episode(policy, baseline, states, policy_optimizer, baseline_optimizer, args.gamma))


if __name__ == "__main__":
    main()
