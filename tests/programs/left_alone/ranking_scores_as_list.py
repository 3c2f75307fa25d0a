import torch
from torch import nn
class Ranker(nn.Module):
    def __init__(self, d=6):
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(d, 16), nn.ReLU(), nn.Linear(16, 1))
        self.margin = nn.Parameter(torch.tensor(0.3))
    def forward(self, x):
        return self.mlp(x).squeeze(-1)
def hinge(scores, better, margin):
    gap = scores[better[:, 0]] - scores[better[:, 1]]
    return torch.relu(margin - gap).mean()
class Fit:
    def __init__(self):
        torch.manual_seed(2)
        self.ranker = Ranker()
        self.optimizer = torch.optim.SGD(self.ranker.parameters(), lr=0.1)
    def step(self):
        x = torch.randn(10, 6)
        better = torch.randint(0, 10, (20, 2))
        loss = hinge(self.ranker(x), better, self.ranker.margin)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()
fit = Fit()
for _ in range(5):
    print(fit.step())
