import torch
import torch.nn.functional as F
from torch import nn


class AdversarialAutoencoder:
    def __init__(self):
        self.encoder = nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 2))
        self.decoder = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 10))
        self.critic = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 1))
        both = [*self.encoder.parameters(), *self.decoder.parameters()]
        self.opt_reconstruct = torch.optim.Adam(both, lr=1e-3)
        self.opt_critic = torch.optim.Adam(self.critic.parameters(), lr=1e-3)

    def update(self, x):
        self.opt_reconstruct.zero_grad()
        F.mse_loss(self.decoder(self.encoder(x)), x).backward()
        self.opt_reconstruct.step()

        codes = self.encoder(x).detach()
        scores = self.critic(torch.cat([codes, torch.randn_like(codes)]))
        labels = torch.cat([torch.zeros(len(x), 1), torch.ones(len(x), 1)])
        self.opt_critic.zero_grad()
        F.binary_cross_entropy_with_logits(scores, labels).backward()
        self.opt_critic.step()

        self.opt_reconstruct.zero_grad()
        self.critic.requires_grad_(False)
        F.binary_cross_entropy_with_logits(self.critic(self.encoder(x)), torch.ones(len(x), 1)).backward()
        self.critic.requires_grad_(True)
        self.opt_reconstruct.step()

    def fit(self, steps):
        for _ in range(steps):
            self.update(torch.randn(16, 10))


AdversarialAutoencoder().fit(5)
