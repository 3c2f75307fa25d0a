# options: --trainable net
import torch
from torch import nn

torch.manual_seed(3)
net = nn.Linear(6, 2)
x, y = torch.randn(32, 6), torch.randn(32, 2)

for step in range(5):
    loss = (net(x) - y).square().mean()
    net.zero_grad()
    loss.backward()
    with torch.no_grad():
        for p in net.parameters():
            p -= 0.1 * p.grad
    print(step, loss.item())
