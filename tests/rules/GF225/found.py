# options: --trainable encoder@domain_loss
# expect: blockage encoder.*
import torch
from torch import nn

torch.manual_seed(12)
encoder = nn.Sequential(nn.Linear(6, 16), nn.ReLU())
task, domain = nn.Linear(16, 3), nn.Linear(16, 1)
optimizer = torch.optim.SGD([*encoder.parameters(), *task.parameters(), *domain.parameters()], lr=0.1)

for step in range(5):
    x = torch.randn(16, 6)
    features = encoder(x)
    kept = features.detach()  # <- blame
    task_loss = nn.functional.cross_entropy(task(features), torch.randint(0, 3, (16,)))
    domain_loss = nn.functional.mse_loss(domain(kept), x[:, :1].sign())
    optimizer.zero_grad()
    task_loss.backward()
    domain_loss.backward()
    optimizer.step()
