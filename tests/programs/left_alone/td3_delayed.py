# expect-note: GF301 agent.critics.0*
"""TD3: twin critics, delayed actor, smoothed targets - class-based agent."""
import copy
import torch
import torch.nn as nn
import torch.nn.functional as F


class TD3:
    def __init__(self, o, a, policy_freq=2):
        self.actor = nn.Sequential(nn.Linear(o, 32), nn.ReLU(), nn.Linear(32, a), nn.Tanh())
        self.critics = nn.ModuleList(nn.Sequential(nn.Linear(o + a, 32), nn.ReLU(), nn.Linear(32, 1)) for _ in range(2))
        self.actor_target = copy.deepcopy(self.actor)
        self.critics_target = copy.deepcopy(self.critics)
        self.actor_optimizer = torch.optim.Adam(self.actor.parameters(), lr=1e-3)
        self.critic_optimizer = torch.optim.Adam(self.critics.parameters(), lr=1e-3)
        self.policy_freq, self.total_it = policy_freq, 0

    def select_action(self, s):
        return self.actor(s).detach().numpy()

    def train(self, s, a, r, s2):
        self.total_it += 1
        with torch.no_grad():
            noise = (torch.randn_like(a) * 0.2).clamp(-0.5, 0.5)
            a2 = (self.actor_target(s2) + noise).clamp(-1, 1)
            q1, q2 = (c(torch.cat([s2, a2], 1)) for c in self.critics_target)
            y = r + 0.97 * torch.min(q1, q2)
        sa = torch.cat([s, a], 1)
        critic_loss = sum(F.mse_loss(c(sa), y) for c in self.critics)
        self.critic_optimizer.zero_grad()
        critic_loss.backward()
        self.critic_optimizer.step()
        if self.total_it % self.policy_freq == 0:
            actor_loss = -self.critics[0](torch.cat([s, self.actor(s)], 1)).mean()
            self.actor_optimizer.zero_grad()
            actor_loss.backward()
            self.actor_optimizer.step()
            for net, tgt in ((self.critics, self.critics_target), (self.actor, self.actor_target)):
                for p, tp in zip(net.parameters(), tgt.parameters()):
                    tp.data.copy_(0.05 * p.data + 0.95 * tp.data)
        return critic_loss.item()


if __name__ == "__main__":
    torch.manual_seed(14)
    agent = TD3(3, 1)
    for t in range(16):
        s = torch.randn(64, 3)
        a = torch.as_tensor(agent.select_action(s)) + 0.1 * torch.randn(64, 1)
        a = a.clamp(-1, 1)
        r = -(a - s.mean(1, keepdim=True)).abs()
        print(t, agent.train(s, a, r, torch.randn(64, 3)))
