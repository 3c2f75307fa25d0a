import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.distributions import Categorical

num_steps, num_envs = 5, 8


class ActorCritic(nn.Module):
    def __init__(self, num_inputs, num_outputs, hidden_size=32):
        super().__init__()
        self.shared = nn.Sequential(nn.Linear(num_inputs, hidden_size), nn.ReLU())
        self.critic = nn.Linear(hidden_size, 1)
        self.actor = nn.Linear(hidden_size, num_outputs)

    def forward(self, x):
        h = self.shared(x)
        return Categorical(F.softmax(self.actor(h), dim=1)), self.critic(h)


class BatchedWalk:
    def __init__(self, n):
        self.state = torch.rand(n, 3) - 0.5

    def step(self, action):
        self.state = 0.95 * self.state + 0.2 * F.one_hot(action, 3)
        distance = self.state.norm(dim=1, keepdim=True)
        self.state = torch.where(distance > 1.5, torch.rand_like(self.state) - 0.5, self.state)
        return self.state, 1.0 - distance, (distance <= 1.5).float()


def compute_returns(next_value, rewards, masks, gamma=0.99):
    R, returns = next_value, []
    for step in reversed(range(len(rewards))):
        R = rewards[step] + gamma * R * masks[step]
        returns.insert(0, R)
    return returns


def evaluate(model, steps=10):
    model.eval()
    env, total = BatchedWalk(4), 0.0
    with torch.no_grad():
        for _ in range(steps):
            total += env.step(model(env.state)[0].probs.argmax(1))[1].mean().item()
    model.train()
    return total


def main():
    torch.manual_seed(3)
    envs = BatchedWalk(num_envs)
    model = ActorCritic(3, 3)
    optimizer = optim.RMSprop(model.parameters(), lr=1e-3, alpha=0.99, eps=1e-5)
    state = envs.state
    for update in range(6):
        log_probs, values, rewards, masks, entropy = [], [], [], [], 0
        for _ in range(num_steps):
            dist, value = model(state)
            action = dist.sample()
            state, reward, mask = envs.step(action)
            log_probs.append(dist.log_prob(action).unsqueeze(1))
            entropy = entropy + dist.entropy().mean()
            values, rewards, masks = [*values, value], [*rewards, reward], [*masks, mask]

        _, next_value = model(state)
        returns = torch.cat(compute_returns(next_value, rewards, masks)).detach()
        advantage = returns - torch.cat(values)
        actor_loss = -(torch.cat(log_probs) * advantage.detach()).mean()
        critic_loss = advantage.pow(2).mean()
        loss = actor_loss + 0.5 * critic_loss - 0.01 * entropy / num_steps
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        print(f"update {update} actor {actor_loss:.4f} critic {critic_loss:.4f} evaluation {evaluate(model):.3f}")


if __name__ == "__main__":
    main()
