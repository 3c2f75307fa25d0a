# expect-note: GF301 policy.critic.*
import copy

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


class Actor(nn.Module):
    def __init__(self, state_dim, action_dim, max_action):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(state_dim, 48), nn.ReLU(), nn.Linear(48, action_dim), nn.Tanh())
        self.max_action = max_action

    def forward(self, state):
        return self.max_action * self.net(state)


class Critic(nn.Module):
    def __init__(self, state_dim, action_dim):
        super().__init__()
        self.l1 = nn.Linear(state_dim + action_dim, 48)
        self.l2 = nn.Linear(48, 1)

    def forward(self, state, action):
        return self.l2(F.relu(self.l1(torch.cat([state, action], 1))))


def sample(replay_buffer, batch_size):
    rows = [replay_buffer[i] for i in np.random.randint(0, len(replay_buffer), size=batch_size)]
    return [torch.as_tensor(np.array(column), dtype=torch.float32) for column in zip(*rows)]


class DDPG:
    def __init__(self, state_dim, action_dim, max_action, discount=0.99, tau=0.001):
        self.actor = Actor(state_dim, action_dim, max_action)
        self.actor_target = copy.deepcopy(self.actor)
        self.actor_optimizer = torch.optim.Adam(self.actor.parameters(), lr=1e-4)
        self.critic = Critic(state_dim, action_dim)
        self.critic_target = copy.deepcopy(self.critic)
        self.critic_optimizer = torch.optim.Adam(self.critic.parameters(), weight_decay=1e-2)
        self.discount, self.tau = discount, tau

    def select_action(self, state):
        return self.actor(torch.as_tensor(state, dtype=torch.float32)[None]).cpu().data.numpy().flatten()

    def train(self, replay_buffer, batch_size=32):
        state, action, next_state, reward, not_done = sample(replay_buffer, batch_size)
        target_q = self.critic_target(next_state, self.actor_target(next_state))
        target_q = reward + (not_done * self.discount * target_q).detach()
        critic_loss = F.mse_loss(self.critic(state, action), target_q)
        self.critic_optimizer.zero_grad()
        critic_loss.backward()
        self.critic_optimizer.step()

        actor_loss = -self.critic(state, self.actor(state)).mean()
        self.actor_optimizer.zero_grad()
        actor_loss.backward()
        self.actor_optimizer.step()

        for net, target in ((self.critic, self.critic_target), (self.actor, self.actor_target)):
            for param, target_param in zip(net.parameters(), target.parameters()):
                target_param.data.copy_(self.tau * param.data + (1 - self.tau) * target_param.data)
        return critic_loss.item(), actor_loss.item()


np.random.seed(0)
torch.manual_seed(0)
policy = DDPG(state_dim=3, action_dim=1, max_action=2.0)
replay_buffer = []
angle, velocity = 1.0, 0.0
for t in range(46):
    state = np.array([np.cos(angle), np.sin(angle), velocity])
    action = (policy.select_action(state) + np.random.normal(0, 0.2, size=1)).clip(-2.0, 2.0)
    velocity = np.clip(velocity + 0.75 * np.sin(angle) + 0.15 * action[0], -8, 8)
    angle += 0.05 * velocity
    reward = -(((angle + np.pi) % (2 * np.pi) - np.pi) ** 2 + 0.1 * velocity**2)
    replay_buffer.append((state, action, np.array([np.cos(angle), np.sin(angle), velocity]), [reward], [1.0]))
    if t >= 40:
        print(t, "critic {:.4f} actor {:.4f}".format(*policy.train(replay_buffer)))
