"""Top-1 mixture of experts: easy inputs first leave experts unpicked; balance loss by soft probabilities."""
import torch
from torch import nn


class MoE(nn.Module):
    def __init__(self, d, n):
        super().__init__()
        self.gate = nn.Linear(d, n, bias=False)
        self.experts = nn.ModuleList(nn.Sequential(nn.Linear(d, 16), nn.ReLU(), nn.Linear(16, d)) for _ in range(n))

    def forward(self, x):
        probs = self.gate(x).softmax(-1)
        w, idx = probs.max(-1)
        out = torch.zeros_like(x)
        for k, ex in enumerate(self.experts):
            rows = (idx == k).nonzero(as_tuple=True)[0]
            if rows.numel():
                out = out.index_add(0, rows, w[rows, None] * ex(x[rows]))
        frac = torch.zeros(len(self.experts)).index_add(0, idx, torch.ones(len(x))) / len(x)
        return x + out, len(self.experts) * (frac * probs.mean(0)).sum(), frac


torch.manual_seed(52)
moe, head = MoE(6, 4), nn.Linear(6, 4)
with torch.no_grad():
    moe.gate.weight.copy_(torch.eye(4, 6))
opt = torch.optim.Adam(list(moe.parameters()) + list(head.parameters()), lr=3e-3)
centers = torch.eye(4, 6) * 3
for epoch in range(4):
    active = epoch + 1                                  # curriculum: one more cluster each epoch
    for _ in range(4):
        c = torch.randint(0, active, (32,))
        x = centers[c] + 0.3 * torch.randn(32, 6)
        h, balance, frac = moe(x)
        loss = nn.functional.cross_entropy(head(h), c) + 0.01 * balance
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(epoch, loss.item(), frac.tolist())
