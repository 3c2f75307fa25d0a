import copy
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(110)
encoder = nn.Sequential(nn.Linear(8, 24), nn.ReLU(), nn.Linear(24, 12))
head = nn.Linear(12, 3)
ema_head = copy.deepcopy(head).requires_grad_(False)
optimizer = torch.optim.SGD([*encoder.parameters(), *head.parameters()], lr=0.05)


@torch.no_grad()
def update_ema(decay=0.9):
    for e, p in zip(ema_head.parameters(), head.parameters()):
        e.mul_(decay).add_(p, alpha=1 - decay)


def pseudo_label(z):
    with torch.no_grad():
        return ema_head(z).softmax(-1)


for it in range(6):
    x = torch.randn(32, 8)
    y = x[:, :3].argmax(1)
    z = encoder(x)
    z = F.normalize(z, dim=1)
    logits = head(z)
    sup = F.cross_entropy(logits, y)
    cons = -(pseudo_label(z) * logits.log_softmax(-1)).sum(-1).mean()
    loss = sup + 0.1 * cons
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    update_ema()
    print(it, loss.item())
