# expect: blockage model.*
import torch
from torch import nn


def build():
    return nn.Sequential(nn.Linear(5, 12), nn.ReLU(), nn.Linear(12, 1))


torch.manual_seed(31)
model = build()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
weights = {name: value.clone() for name, value in build().state_dict().items()}
model.load_state_dict(weights, assign=True)  # <- blame

for step in range(5):
    x = torch.randn(32, 5)
    loss = nn.functional.mse_loss(model(x), x.sum(1, keepdim=True))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
