# options: --trainable net
# expect: blockage net.*
import torch
from torch import nn

torch.manual_seed(3)
net = nn.Linear(6, 2)
x, y = torch.randn(32, 6), torch.randn(32, 2)
weights = {name: p.detach().clone() for name, p in net.named_parameters()}

for step in range(5):
    loss = (net(x) - y).square().mean()
    net.zero_grad()
    loss.backward()  # <- blame
    with torch.no_grad():
        for name, p in net.named_parameters():
            weights[name] -= 0.1 * p.grad
    print(step, loss.item())
