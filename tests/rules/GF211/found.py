# expect: blockage model.*
import torch
from torch import nn

torch.manual_seed(21)
model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
x, y = torch.randn(64, 8), torch.randn(64, 1)

for step in range(5):
    loss = nn.functional.mse_loss(model(x), y)
    loss.backward()
    optimizer.zero_grad()  # <- blame
    optimizer.step()
    print(step, loss.item())
