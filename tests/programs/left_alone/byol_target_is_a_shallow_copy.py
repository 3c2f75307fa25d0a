import copy

import torch
import torch.nn.functional as F
from torch import nn


class BYOL:
    def __init__(self, dim=20, hidden=32, out=12, tau=0.99):
        self.online_encoder = nn.Sequential(nn.Linear(dim, hidden), nn.GELU(), nn.Linear(hidden, out))
        self.target_encoder = copy.deepcopy(self.online_encoder)
        self.predictor = nn.Sequential(nn.Linear(out, hidden), nn.GELU(), nn.Linear(hidden, out))
        self.tau = tau
        params = [*self.online_encoder.parameters(), *self.predictor.parameters()]
        self.optimizer = torch.optim.Adam(params, lr=1e-3)

    def loss(self, view1, view2):
        online = F.normalize(self.predictor(self.online_encoder(view1)), dim=-1)
        with torch.no_grad():
            target = F.normalize(self.target_encoder(view2), dim=-1)
        return 2 - 2 * (online * target).sum(dim=-1).mean()

    def update_target(self):
        with torch.no_grad():
            for online, target in zip(self.online_encoder.parameters(), self.target_encoder.parameters(), strict=True):
                target.lerp_(online, 1 - self.tau)

    def fit(self, batches):
        for x in batches:
            view1, view2 = x + 0.2 * torch.randn_like(x), x + 0.2 * torch.randn_like(x)
            loss = self.loss(view1, view2) + self.loss(view2, view1)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.update_target()
            print(f"loss {loss.item():.4f}")


def main():
    torch.manual_seed(10)
    learner = BYOL()
    learner.fit([torch.randn(24, 20) for _ in range(5)])


if __name__ == "__main__":
    main()
