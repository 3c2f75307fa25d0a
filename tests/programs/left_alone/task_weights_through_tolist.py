import torch
from torch import nn

torch.manual_seed(0)


class TwoTaskNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(10, 32), nn.ReLU())
        self.depth = nn.Linear(32, 1)
        self.normal = nn.Linear(32, 3)

    def forward(self, x):
        h = self.trunk(x)
        return self.depth(h), self.normal(h)


class UncertaintyWeighting(nn.Module):
    """Weighs the tasks by a learned variance each."""

    def __init__(self, tasks):
        super().__init__()
        self.log_variances = nn.Parameter(torch.zeros(tasks))

    def forward(self, losses):
        precision = torch.exp(-self.log_variances)
        return (precision * torch.stack(losses)).sum() + self.log_variances.sum()


model = TwoTaskNet()
weighting = UncertaintyWeighting(2)
optimizer = torch.optim.Adam([*model.parameters(), *weighting.parameters()], lr=1e-3)
criterion = nn.MSELoss()

for step in range(6):
    x = torch.randn(32, 10)
    depth, normal = model(x)
    losses = [criterion(depth, x[:, :1].abs()), criterion(normal, x[:, 1:4])]
    loss = weighting(losses)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item(), [part.item() for part in losses])
