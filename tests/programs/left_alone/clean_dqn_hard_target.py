import random
from collections import deque

import numpy as np
import torch
from torch import nn, optim


class Corridor:
    def reset(self):
        self.position, self.steps = 0, 0
        return self.observe()

    def observe(self):
        return np.array([self.position / 5, self.steps / 20], dtype=np.float32)

    def step(self, action):
        self.position = int(np.clip(self.position + (-1, 0, 1)[action], 0, 5))
        self.steps += 1
        return self.observe(), 1.0 if self.position == 5 else -0.05, self.position == 5 or self.steps >= 20


class DQNAgent:
    def __init__(self, state_dim=2, n_actions=3, gamma=0.95, lr=1e-3, sync_every=3):
        self.n_actions, self.gamma, self.sync_every = n_actions, gamma, sync_every
        self.policy_net = self.build(state_dim, n_actions)
        self.target_net = self.build(state_dim, n_actions)
        self.target_net.load_state_dict(self.policy_net.state_dict())
        self.target_net.eval()
        self.optimizer = optim.Adam(self.policy_net.parameters(), lr=lr)
        self.loss_fn = nn.SmoothL1Loss()
        self.memory = deque(maxlen=500)
        self.epsilon, self.updates = 1.0, 0

    @staticmethod
    def build(state_dim, n_actions):
        return nn.Sequential(nn.Linear(state_dim, 32), nn.ReLU(), nn.Linear(32, n_actions))

    def act(self, state):
        if random.random() < self.epsilon:
            return random.randrange(self.n_actions)
        with torch.no_grad():
            return self.policy_net(torch.from_numpy(state).unsqueeze(0)).argmax(1).item()

    def learn(self, batch_size=12):
        if len(self.memory) < batch_size:
            return
        state, action, reward, next_state, done = zip(*random.sample(self.memory, batch_size))
        state, next_state = torch.from_numpy(np.stack(state)), torch.from_numpy(np.stack(next_state))
        action, reward, done = torch.tensor(action), torch.tensor(reward), torch.tensor(done, dtype=torch.float32)

        q_values = self.policy_net(state).gather(1, action.unsqueeze(1)).squeeze(1)
        next_q = self.target_net(next_state).max(1)[0].detach()
        loss = self.loss_fn(q_values, reward + self.gamma * next_q * (1 - done))

        self.optimizer.zero_grad()
        loss.backward()
        for param in self.policy_net.parameters():
            param.grad.data.clamp_(-1, 1)
        self.optimizer.step()

        self.updates += 1
        if self.updates % self.sync_every == 0:
            self.target_net.load_state_dict(self.policy_net.state_dict())
        self.epsilon = max(0.1, self.epsilon * 0.95)


if __name__ == "__main__":
    torch.manual_seed(0)
    random.seed(0)
    env, agent = Corridor(), DQNAgent()
    for episode in range(2):
        state, done, total = env.reset(), False, 0.0
        while not done:
            action = agent.act(state)
            next_state, reward, done = env.step(action)
            agent.memory.append((state, action, reward, next_state, done))
            state, total = next_state, total + reward
            agent.learn()
        print(f"episode {episode} return {total:.2f} updates {agent.updates} epsilon {agent.epsilon:.2f}")
