# expect-note: GF301 agent.critic.*
import copy
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(15)
OBS, ACT = 5, 2


class DDPG:
    def __init__(self):
        self.actor = nn.Sequential(nn.Linear(OBS, 32), nn.ReLU(), nn.Linear(32, ACT), nn.Tanh())
        self.critic = nn.Sequential(nn.Linear(OBS + ACT, 32), nn.ReLU(), nn.Linear(32, 1))
        self.actor_t = copy.deepcopy(self.actor).requires_grad_(False)
        self.critic_t = copy.deepcopy(self.critic).requires_grad_(False)
        self.opt_a = torch.optim.Adam(self.actor.parameters(), lr=1e-3)
        self.opt_c = torch.optim.Adam(self.critic.parameters(), lr=1e-3)

    @torch.no_grad()
    def act(self, s, noise=0.0):
        a = self.actor(s)
        return (a + noise * torch.randn_like(a)).clamp(-1, 1)

    def update(self, s, a, r, s2):
        with torch.no_grad():
            q_next = self.critic_t(torch.cat([s2, self.actor_t(s2)], -1))
            y = r + 0.95 * q_next
        loss_c = F.mse_loss(self.critic(torch.cat([s, a], -1)), y)
        self.opt_c.zero_grad()
        loss_c.backward()
        self.opt_c.step()
        loss_a = -self.critic(torch.cat([s, self.actor(s)], -1)).mean()
        self.opt_a.zero_grad()
        loss_a.backward()
        self.opt_a.step()
        with torch.no_grad():
            for net, tgt in ((self.actor, self.actor_t), (self.critic, self.critic_t)):
                for p, pt in zip(net.parameters(), tgt.parameters()):
                    pt.lerp_(p, 0.01)
        return loss_c.item(), loss_a.item()


agent = DDPG()
for i in range(6):
    s = torch.randn(32, OBS)
    a = agent.act(s, 0.2)
    r = (s[:, :1] * a[:, :1])
    print(i, agent.update(s, a, r, torch.randn(32, OBS)))
