import torch
from torch import nn
from torch.distributions import Categorical


class ActorCritic(nn.Module):
    def __init__(self, observations=9, actions=9):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(observations, 48), nn.Tanh())
        self.actor = nn.Linear(48, actions)
        self.critic = nn.Linear(48, 1)

    def forward(self, observation, legal):
        hidden = self.body(observation)
        logits = self.actor(hidden).masked_fill(~legal, float("-inf"))
        return Categorical(logits=logits), self.critic(hidden).squeeze(-1)


class Agent:
    def __init__(self, gamma=0.99):
        self.network = ActorCritic()
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=3e-3)
        self.gamma = gamma

    def rollout(self):
        board = torch.zeros(9)
        log_probabilities, values, rewards = [], [], []
        for turn in range(5):
            policy, value = self.network(board.clone(), board == 0)
            action = policy.sample()
            log_probabilities.append(policy.log_prob(action))
            values.append(value)
            rewards.append(1.0 if action.item() % 2 == turn % 2 else -0.2)
            board[action] = 1.0
        return torch.stack(log_probabilities), torch.stack(values), rewards

    def returns(self, rewards):
        total, result = 0.0, []
        for reward in reversed(rewards):
            total = reward + self.gamma * total
            result.insert(0, total)
        return torch.tensor(result)

    def update(self, episodes=4):
        losses = []
        for _ in range(episodes):
            log_probabilities, values, rewards = self.rollout()
            returns = self.returns(rewards)
            advantages = returns - values.detach()
            policy_loss = -(log_probabilities * advantages).mean()
            losses.append(policy_loss + 0.5 * nn.functional.mse_loss(values, returns))
        loss = torch.stack(losses).mean()
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 0.5)
        self.optimizer.step()
        return loss.item()


if __name__ == "__main__":
    torch.manual_seed(0)
    agent = Agent()
    for iteration in range(5):
        print(f"iteration {iteration}: loss {agent.update():.4f}")
