# expect-note: GF301 critic.*
import copy

import torch
import torch.nn as nn
import torch.nn.functional as F


def tie_weights(src, trg):
    trg.weight = src.weight
    trg.bias = src.bias


class PixelEncoder(nn.Module):
    def __init__(self, feature_dim=12):
        super().__init__()
        self.convs = nn.ModuleList([nn.Conv2d(3, 6, 3, stride=2), nn.Conv2d(6, 6, 3)])
        self.fc = nn.Linear(6 * 5 * 5, feature_dim)
        self.ln = nn.LayerNorm(feature_dim)

    def forward(self, obs, detach=False):
        for conv in self.convs:
            obs = torch.relu(conv(obs))
        h = obs.flatten(1)
        if detach:
            h = h.detach()
        return torch.tanh(self.ln(self.fc(h)))

    def copy_conv_weights_from(self, source):
        for a, b in zip(source.convs, self.convs):
            tie_weights(a, b)


class Actor(nn.Module):
    def __init__(self, actions=2):
        super().__init__()
        self.encoder = PixelEncoder()
        self.trunk = nn.Linear(12, actions)

    def forward(self, obs, detach_encoder=False):
        return torch.tanh(self.trunk(self.encoder(obs, detach=detach_encoder)))


class Critic(nn.Module):
    def __init__(self, actions=2):
        super().__init__()
        self.encoder = PixelEncoder()
        self.q = nn.Sequential(nn.Linear(12 + actions, 16), nn.ReLU(), nn.Linear(16, 1))

    def forward(self, obs, action, detach_encoder=False):
        return self.q(torch.cat([self.encoder(obs, detach=detach_encoder), action], 1))


torch.manual_seed(0)
actor, critic = Actor(), Critic()
critic_target = copy.deepcopy(critic)
actor.encoder.copy_conv_weights_from(critic.encoder)
conv_ids = {id(p) for p in critic.encoder.convs.parameters()}
actor_optimizer = torch.optim.Adam([p for p in actor.parameters() if id(p) not in conv_ids], lr=1e-3)
critic_optimizer = torch.optim.Adam(critic.parameters(), lr=1e-3)

for step in range(4):
    obs, next_obs = torch.rand(8, 3, 16, 16), torch.rand(8, 3, 16, 16)
    action, reward = torch.rand(8, 2) * 2 - 1, torch.randn(8, 1)
    with torch.no_grad():
        target = reward + 0.9 * critic_target(next_obs, actor(next_obs))
    critic_loss = F.mse_loss(critic(obs, action), target)
    critic_optimizer.zero_grad()
    critic_loss.backward()
    critic_optimizer.step()

    actor_loss = -critic(obs, actor(obs, detach_encoder=True), detach_encoder=True).mean()
    actor_optimizer.zero_grad()
    actor_loss.backward()
    actor_optimizer.step()
    for p, tp in zip(critic.parameters(), critic_target.parameters()):
        tp.data.copy_(0.05 * p.data + 0.95 * tp.data)
    print(step, f"{critic_loss.item():.5f} {actor_loss.item():.5f}")
