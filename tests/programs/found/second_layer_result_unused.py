# expect: blockage *model.second.*
import torch
import torch.nn as nn


class ValueNetwork(nn.Module):
    def __init__(self, observation=6, hidden=24):
        super().__init__()
        self.first = nn.Linear(observation, hidden)
        self.second = nn.Linear(hidden, hidden)
        self.value = nn.Linear(hidden, 1)

    def forward(self, observation):
        hidden = [torch.tanh(self.first(observation))]
        hidden.append(torch.tanh(self.second(hidden[-1])))  # <- blame
        return self.value(hidden[0]).squeeze(-1)  # <- blame


def discounted_returns(rewards, gamma):
    returns = torch.zeros_like(rewards)
    running = torch.zeros(rewards.shape[1])
    for t in range(len(rewards) - 1, -1, -1):
        running = rewards[t] + gamma * running
        returns[t] = running
    return returns


def fit_values(model, observations, returns, iterations, lr):
    optimizer = torch.optim.RMSprop(model.parameters(), lr=lr)
    for iteration in range(iterations):
        loss = 0.5 * (model(observations) - returns).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        print(f"iteration {iteration} value loss {loss.item():.4f}")


def main():
    torch.manual_seed(37)
    observations, rewards = torch.randn(20, 4, 6), torch.rand(20, 4)
    fit_values(ValueNetwork(), observations, discounted_returns(rewards, 0.95), iterations=5, lr=2e-3)


if __name__ == "__main__":
    main()
