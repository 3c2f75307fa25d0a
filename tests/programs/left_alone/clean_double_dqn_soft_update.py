import copy
import math
import random
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn


@dataclass
class Config:
    gamma: float = 0.99
    tau: float = 0.005
    lr: float = 5e-4
    batch_size: int = 16
    env_steps: int = 40


class DuelingQNetwork(nn.Module):
    def __init__(self, state_size=4, action_size=3):
        super().__init__()
        self.features = nn.Sequential(nn.Linear(state_size, 32), nn.ReLU())
        self.value, self.advantage = nn.Linear(32, 1), nn.Linear(32, action_size)

    def forward(self, state):
        h = self.features(state)
        value, advantage = self.value(h), self.advantage(h)
        return value + advantage - advantage.mean(dim=-1, keepdim=True)


def env_step(state, action):
    velocity = 0.9 * state[2:] + 0.1 * (action - 1)
    position = state[:2] + velocity
    return torch.cat([position, velocity]), -position.abs().sum().item(), bool(position.abs().max() > 2)


def soft_update(local_model, target_model, tau):
    for target_param, local_param in zip(target_model.parameters(), local_model.parameters()):
        target_param.data.copy_(tau * local_param.data + (1.0 - tau) * target_param.data)


@torch.no_grad()
def select_action(q_local, state, epsilon):
    return random.randrange(3) if random.random() < epsilon else q_local(state).argmax().item()


def learn(batch, q_local, q_target, optimizer, config):
    states, actions, rewards, next_states, dones = (torch.stack(column) for column in zip(*batch))
    with torch.no_grad():
        next_q = q_target(next_states).gather(1, q_local(next_states).argmax(dim=1, keepdim=True))
        q_targets = rewards + config.gamma * next_q * (1 - dones)
    loss = F.mse_loss(q_local(states).gather(1, actions), q_targets)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(q_local.parameters(), 10.0)
    optimizer.step()
    soft_update(q_local, q_target, config.tau)
    return loss.item()


def main(config):
    q_local = DuelingQNetwork()
    q_target = copy.deepcopy(q_local)
    optimizer = torch.optim.Adam(q_local.parameters(), lr=config.lr)
    memory, state = [], torch.randn(4)
    for t in range(1, config.env_steps + 1):
        action = select_action(q_local, state, epsilon=math.exp(-t / 40))
        next_state, reward, done = env_step(state, action)
        memory.append((state, torch.tensor([action]), torch.tensor([reward]), next_state, torch.tensor([float(done)])))
        state = torch.randn(4) if done else next_state
        if len(memory) >= config.batch_size and t % 4 == 0:
            batch = random.sample(memory, config.batch_size)
            print(f"step {t} loss {learn(batch, q_local, q_target, optimizer, config):.4f}")


if __name__ == "__main__":
    random.seed(0)
    torch.manual_seed(0)
    main(Config())
