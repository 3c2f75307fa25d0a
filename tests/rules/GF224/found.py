# expect: blockage encoder.*
import torch
from torch import nn


class Reverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.view_as(x)

    @staticmethod
    def backward(ctx, gradient):
        return -0.1 * gradient


torch.manual_seed(11)
encoder = nn.Sequential(nn.Linear(6, 16), nn.ReLU())
task, domain = nn.Linear(16, 3), nn.Linear(16, 1)
optimizer = torch.optim.SGD([*encoder.parameters(), *task.parameters(), *domain.parameters()], lr=0.1)

for step in range(5):
    x = torch.randn(16, 6)
    features = encoder(x)
    reversed_features = Reverse.apply(features.detach())  # <- blame
    task_loss = nn.functional.cross_entropy(task(features), torch.randint(0, 3, (16,)))
    domain_loss = nn.functional.mse_loss(domain(reversed_features), x[:, :1].sign())
    loss = task_loss + domain_loss
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
