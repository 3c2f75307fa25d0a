import torch
from torch import nn

torch.manual_seed(10)
trunk = nn.Sequential(nn.Linear(6, 16), nn.ReLU())
head = nn.Linear(16, 1)
optimizer = torch.optim.SGD([*trunk.parameters(), *head.parameters()], lr=0.1)

for step in range(5):
    x = torch.randn(16, 6)
    loss = nn.functional.mse_loss(head(trunk(x)), x[:, :1])
    shared = [*trunk.parameters(), *head.parameters()]
    gradients = torch.autograd.grad(loss, shared)
    for parameter, gradient in zip(shared, gradients):
        parameter.grad = gradient.clamp(-1, 1)
    optimizer.step()
