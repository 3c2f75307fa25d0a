# expect-note: GF305 *critic.*
import torch
from torch import nn


class WGAN:
    def __init__(self):
        self.generator = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2))
        self.critic = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 1))
        self.opt_g = torch.optim.RMSprop(self.generator.parameters(), lr=5e-5)
        self.opt_c = torch.optim.RMSprop(self.critic.parameters(), lr=5e-5)

    def critic_step(self, real):
        with torch.no_grad():
            fake = self.generator(torch.randn(len(real), 4))
        critic_loss = self.critic(fake).mean() - self.critic(real).mean()
        self.opt_c.zero_grad()
        critic_loss.backward(retain_graph=True)  # <- blame
        self.opt_c.step()
        with torch.no_grad():
            for p in self.critic.parameters():
                p.clamp_(-0.05, 0.05)

    def generator_step(self, count):
        self.critic.requires_grad_(False)
        loss = -self.critic(self.generator(torch.randn(count, 4))).mean()
        self.opt_g.zero_grad()
        loss.backward()
        self.opt_g.step()
        self.critic.requires_grad_(True)

    def fit(self, rounds):
        for _ in range(rounds):
            for _ in range(2):
                self.critic_step(torch.randn(16, 2))
            self.generator_step(16)


WGAN().fit(4)
