import copy
import math

import torch
import torch.nn.functional as F
from torch import nn
from torch.distributions import Normal


class TwinCritic(nn.Module):
    def __init__(self, obs_dim, act_dim):
        super().__init__()
        self.q1 = nn.Sequential(nn.Linear(obs_dim + act_dim, 32), nn.ReLU(), nn.Linear(32, 1))
        self.q2 = nn.Sequential(nn.Linear(obs_dim + act_dim, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, obs, act):
        sa = torch.cat([obs, act], dim=-1)
        return self.q1(sa).squeeze(-1), self.q2(sa).squeeze(-1)


class SquashedGaussianActor(nn.Module):
    def __init__(self, obs_dim, act_dim):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(obs_dim, 32), nn.ReLU())
        self.mu_layer, self.log_std_layer = nn.Linear(32, act_dim), nn.Linear(32, act_dim)

    def forward(self, obs):
        h = self.net(obs)
        pi_distribution = Normal(self.mu_layer(h), self.log_std_layer(h).clamp(-20, 2).exp())
        pi_action = pi_distribution.rsample()
        correction = 2 * (math.log(2) - pi_action - F.softplus(-2 * pi_action))
        return torch.tanh(pi_action), (pi_distribution.log_prob(pi_action) - correction).sum(dim=-1)


class SACAgent:
    def __init__(self, obs_dim=4, act_dim=2, gamma=0.99, polyak=0.995, lr=1e-3):
        self.actor = SquashedGaussianActor(obs_dim, act_dim)
        self.critic = TwinCritic(obs_dim, act_dim)
        self.critic_target = copy.deepcopy(self.critic).requires_grad_(False)
        self.log_alpha = torch.zeros(1, requires_grad=True)
        self.pi_optimizer = torch.optim.Adam(self.actor.parameters(), lr=lr)
        self.q_optimizer = torch.optim.Adam(self.critic.parameters(), lr=lr)
        self.alpha_optimizer = torch.optim.Adam([self.log_alpha], lr=lr)
        self.gamma, self.polyak, self.target_entropy = gamma, polyak, -act_dim

    def update(self, o, a, r, o2):
        alpha = self.log_alpha.exp().detach()
        with torch.no_grad():
            a2, logp_a2 = self.actor(o2)
            q_targ = torch.min(*self.critic_target(o2, a2))
            backup = r + self.gamma * (q_targ - alpha * logp_a2)
        loss_q = sum(F.mse_loss(q, backup) for q in self.critic(o, a))
        self.q_optimizer.zero_grad()
        loss_q.backward()
        self.q_optimizer.step()

        self.critic.requires_grad_(False)
        pi, logp_pi = self.actor(o)
        loss_pi = (alpha * logp_pi - torch.min(*self.critic(o, pi))).mean()
        self.pi_optimizer.zero_grad()
        loss_pi.backward()
        self.pi_optimizer.step()
        self.critic.requires_grad_(True)

        loss_alpha = -(self.log_alpha * (logp_pi.detach() + self.target_entropy)).mean()
        self.alpha_optimizer.zero_grad()
        loss_alpha.backward()
        self.alpha_optimizer.step()

        for p, p_targ in zip(self.critic.parameters(), self.critic_target.parameters()):
            p_targ.data.mul_(self.polyak).add_((1 - self.polyak) * p.data)
        return loss_q.item(), loss_pi.item(), loss_alpha.item()


torch.manual_seed(0)
agent = SACAgent()
for step in range(5):
    o, a = torch.randn(32, 4), torch.rand(32, 2) * 2 - 1
    o2 = o + 0.1 * torch.cat([a, a], dim=1)
    print(step, agent.update(o, a, -o2.pow(2).sum(1), o2))
