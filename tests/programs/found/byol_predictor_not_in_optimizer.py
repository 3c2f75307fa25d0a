# expect: blockage *predictor.*
import copy
import torch
import torch.nn as nn
import torch.nn.functional as F


class BYOLTrainer:
    def __init__(self, dim=10, hidden=24, tau=0.95):
        self.online = nn.Sequential(nn.Linear(dim, hidden), nn.ReLU(), nn.Linear(hidden, hidden))
        self.predictor = nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, hidden))
        self.target = copy.deepcopy(self.online).requires_grad_(False)
        self.tau = tau
        self.opt = torch.optim.Adam(self.online.parameters(), lr=1e-3)  # <- blame

    def loss(self, a, b):
        p = F.normalize(self.predictor(self.online(a)), dim=-1)
        with torch.no_grad():
            z = F.normalize(self.target(b), dim=-1)
        return (2 - 2 * (p * z).sum(-1)).mean()

    def train_step(self, a, b):
        loss = self.loss(a, b) + self.loss(b, a)
        self.opt.zero_grad()
        loss.backward()
        self.opt.step()
        with torch.no_grad():
            for t, o in zip(self.target.parameters(), self.online.parameters()):
                t.mul_(self.tau).add_(o, alpha=1 - self.tau)
        return loss.item()


torch.manual_seed(6)
trainer = BYOLTrainer()
for step in range(6):
    x = torch.randn(24, 10)
    print(step, trainer.train_step(x + 0.1 * torch.randn_like(x), x * 0.9))
