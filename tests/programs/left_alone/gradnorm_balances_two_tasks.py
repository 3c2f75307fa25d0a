"""GradNorm: task weights learn from the norms of the tasks' gradients at the shared layer, the net from the weighted sum."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(29)

trunk = nn.Sequential(nn.Linear(8, 32), nn.Tanh())
shared = nn.Linear(32, 16)
heads = nn.ModuleList([nn.Linear(16, 3), nn.Linear(16, 1)])
weights = nn.Parameter(torch.ones(2))
network = [*trunk.parameters(), *shared.parameters(), *heads.parameters()]
optimizer = torch.optim.Adam(network, lr=2e-3)
weight_optimizer = torch.optim.Adam([weights], lr=2e-2)
first = None
ALPHA = 1.5

for step in range(6):
    x = torch.randn(32, 8)
    h = torch.tanh(shared(trunk(x)))
    losses = torch.stack([
        F.cross_entropy(heads[0](h), x[:, :3].argmax(1)),
        F.mse_loss(heads[1](h).squeeze(1), 3 * x.sum(1)),
    ])
    if first is None:
        first = losses.detach()

    norms = []
    for w, task_loss in zip(weights, losses):
        (g,) = torch.autograd.grad(task_loss, shared.weight, retain_graph=True)
        norms.append((w * g).norm())
    norms = torch.stack(norms)
    progress = losses.detach() / first
    wanted = (norms.mean() * (progress / progress.mean()) ** ALPHA).detach()
    balance_loss = (norms - wanted).abs().sum()

    loss = (weights.detach() * losses).sum()
    optimizer.zero_grad()
    weight_optimizer.zero_grad()
    loss.backward()
    balance_loss.backward()
    optimizer.step()
    weight_optimizer.step()
    with torch.no_grad():
        weights.clamp_(min=0.05)
        weights *= 2 / weights.sum()
    print(step, losses.tolist(), weights.tolist())
