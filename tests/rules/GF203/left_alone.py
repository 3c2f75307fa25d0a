import torch
from torch import nn

torch.manual_seed(13)
gates = nn.Linear(6, 2)
experts = nn.ModuleList(nn.Linear(6, 6) for _ in range(2))
optimizer = torch.optim.SGD([*gates.parameters(), *experts.parameters()], lr=0.1)

for step in range(5):
    x = torch.randn(8, 6)
    shares = gates(x.mean(0)).softmax(0)
    weights = torch.stack([share for share in shares])
    mixed = weights[0] * experts[0](x) + weights[1] * experts[1](x)
    loss = nn.functional.mse_loss(mixed, x)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item(), shares.tolist())
