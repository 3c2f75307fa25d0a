# expect-note: GF301 model.*
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)

for _ in range(5):
    x, y = torch.randn(32, 10), torch.randint(0, 3, (32,))
    delta = torch.zeros_like(x, requires_grad=True)
    attack_loss = F.cross_entropy(model(x + delta), y)
    attack_loss.backward()  # <- blame
    step = 0.1 * delta.grad.sign()
    optimizer.zero_grad()
    loss = F.cross_entropy(model(x + step), y)
    loss.backward()
    optimizer.step()
print(loss.item())
