# expect: blockage model.*
import torch
from torch import nn

torch.manual_seed(3)
model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3))
x = torch.randn(48, 6)
y = x[:, :3].argmax(1)

for step in range(4):
    loss = nn.functional.cross_entropy(model(x), y)
    gradients = torch.autograd.grad(loss, list(model.parameters()))
    for p, g in zip(model.parameters(), gradients, strict=True):
        p = p - 0.5 * g  # <- blame
    print(step, loss.item())
