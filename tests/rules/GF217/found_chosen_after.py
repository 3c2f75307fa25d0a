# expect: blockage model.*
import torch
from torch import nn

torch.manual_seed(35)
model = nn.Sequential(nn.Linear(4, 12), nn.ReLU(), nn.Linear(12, 1), nn.ReLU())
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)


def loss_on(x):
    size = model(x).squeeze(1) * (x[:, 0] > 0)
    logarithm = size.log()  # <- blame
    there = size > 0
    error = (logarithm - x[:, 1]).abs()
    return torch.where(there, error, torch.zeros_like(error)).mean()


for step in range(4):
    loss = loss_on(torch.randn(24, 4))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
