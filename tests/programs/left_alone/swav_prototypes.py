# expect-note: GF301 model.prototypes.*
import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F


class SwAV(nn.Module):
    def __init__(self, dim=10, out=8, prototypes=6):
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(dim, 24), nn.BatchNorm1d(24), nn.ReLU())
        self.projection_head = nn.Linear(24, out)
        self.prototypes = nn.Linear(out, prototypes, bias=False)

    def forward(self, x):
        z = F.normalize(self.projection_head(self.backbone(x)), dim=1)
        return z, self.prototypes(z)


@torch.no_grad()
def distributed_sinkhorn(out, eps=0.05, iters=3):
    q = torch.exp(out / eps).t()
    q /= q.sum()
    for _ in range(iters):
        q /= q.sum(1, keepdim=True) * q.shape[0]
        q /= q.sum(0, keepdim=True) * q.shape[1]
    return (q * q.shape[1]).t()


def augment(x):
    return x + 0.2 * torch.randn_like(x)


def train(model, optimizer, epoch, args, generator):
    total = 0.0
    for iteration in range(3):
        with torch.no_grad():
            w = F.normalize(model.prototypes.weight.data.clone(), dim=1)
            model.prototypes.weight.copy_(w)
        x = torch.randn(16, 10, generator=generator)
        _, logits = model(torch.cat([augment(x), augment(x)]))
        a, b = logits.chunk(2)
        loss = 0.0
        for own, other in ((a, b), (b, a)):
            q = distributed_sinkhorn(own.detach())
            loss = loss - (q * F.log_softmax(other / args.temperature, dim=1)).sum(1).mean() / 2
        optimizer.zero_grad()
        loss.backward()
        if epoch < args.freeze_prototypes_epochs:
            for name, p in model.named_parameters():
                if "prototypes" in name:
                    p.grad = None
        optimizer.step()
        total += loss.item()
    return total / 3


parser = argparse.ArgumentParser()
parser.add_argument("--freeze-prototypes-epochs", type=int, default=1)
parser.add_argument("--temperature", type=float, default=0.1)
args = parser.parse_args([])
torch.manual_seed(6)
model = SwAV()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-6)
generator = torch.Generator().manual_seed(6)
for epoch in range(3):
    print(epoch, f"{train(model, optimizer, epoch, args, generator):.5f}")
