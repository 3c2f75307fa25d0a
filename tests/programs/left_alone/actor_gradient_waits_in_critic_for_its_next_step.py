# expect-note: GF301 agent.critic.*
import copy
import itertools

import torch
import torch.nn.functional as F
from torch import nn


def mlp(*sizes):
    layers = []
    for n_in, n_out in itertools.pairwise(sizes):
        layers += [nn.Linear(n_in, n_out), nn.ELU()]
    return nn.Sequential(*layers[:-1])


class DDPG:
    def __init__(self, n_state=6, n_action=2, gamma=0.98, tau=0.01):
        self.gamma, self.tau = gamma, tau
        self.actor = nn.Sequential(mlp(n_state, 24, n_action), nn.Tanh())
        self.critic = mlp(n_state + n_action, 24, 1)
        self.actor_target = copy.deepcopy(self.actor)
        self.critic_target = copy.deepcopy(self.critic)
        self.actor_optimizer = torch.optim.Adam(self.actor.parameters(), lr=1e-3)
        self.critic_optimizer = torch.optim.Adam(self.critic.parameters(), lr=2e-3)

    def update(self, state, action, reward, next_state):
        with torch.no_grad():
            next_action = self.actor_target(next_state)
            target_q = reward + self.gamma * self.critic_target(torch.cat([next_state, next_action], dim=1))
        critic_loss = F.mse_loss(self.critic(torch.cat([state, action], dim=1)), target_q)
        self.critic_optimizer.zero_grad()
        critic_loss.backward()
        self.critic_optimizer.step()

        actor_loss = -self.critic(torch.cat([state, self.actor(state)], dim=1)).mean()
        actor_loss.backward()
        self.actor_optimizer.step()
        self.actor_optimizer.zero_grad()

        with torch.no_grad():
            for live, target in ((self.actor, self.actor_target), (self.critic, self.critic_target)):
                for p, p_target in zip(live.parameters(), target.parameters(), strict=True):
                    p_target.lerp_(p, self.tau)
        return critic_loss.item(), actor_loss.item()


if __name__ == "__main__":
    torch.manual_seed(25)
    agent = DDPG()
    for i in range(5):
        batch = torch.randn(32, 6), torch.rand(32, 2) * 2 - 1, torch.randn(32, 1), torch.randn(32, 6)
        print(i, *(round(value, 4) for value in agent.update(*batch)))
