"""SwAV: prototypes get no update in the first iterations, codes come from Sinkhorn without gradient."""
# expect-note: GF301 model.prototypes.*
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(1)
DIM, PROTOTYPES, FREEZE_ITERS = 16, 10, 2


class SwAV(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, DIM))
        self.prototypes = nn.Linear(DIM, PROTOTYPES, bias=False)

    def forward(self, x):
        return self.prototypes(F.normalize(self.backbone(x), dim=1))


@torch.no_grad()
def sinkhorn(scores, epsilon=0.05, rounds=3):
    q = torch.exp(scores / epsilon).T
    q /= q.sum()
    for _ in range(rounds):
        q /= q.sum(dim=1, keepdim=True) * PROTOTYPES
        q /= q.sum(dim=0, keepdim=True) * q.shape[1]
    return (q * q.shape[1]).T


model = SwAV()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
for iteration in range(6):
    with torch.no_grad():
        model.prototypes.weight.copy_(F.normalize(model.prototypes.weight, dim=1))
    x = torch.randn(32, 12)
    a, b = model(x + 0.1 * torch.randn_like(x)), model(x + 0.1 * torch.randn_like(x))
    q_a, q_b = sinkhorn(a), sinkhorn(b)
    loss = -0.5 * ((q_a * F.log_softmax(b / 0.1, 1)).sum(1) + (q_b * F.log_softmax(a / 0.1, 1)).sum(1)).mean()
    optimizer.zero_grad()
    loss.backward()  # <- blame
    if iteration < FREEZE_ITERS:
        for name, p in model.named_parameters():
            if "prototypes" in name:
                p.grad = None  # <- blame
    optimizer.step()
    print(iteration, loss.item())
