"""Sparse attention: a cheap indexer picks the keys, and learns to agree with the attention over all of them."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(253)


class SparseAttention(nn.Module):
    def __init__(self, d=16, keep=4):
        super().__init__()
        self.query, self.key, self.value = nn.Linear(d, d), nn.Linear(d, d), nn.Linear(d, d)
        self.index_query, self.index_key = nn.Linear(d, 4), nn.Linear(d, 4)
        self.keep = keep

    def forward(self, x):
        q, k, v = self.query(x), self.key(x), self.value(x)
        index = self.index_query(x.detach()) @ self.index_key(x.detach()).transpose(1, 2)
        _, picked = index.topk(self.keep, dim=-1)
        full = q @ k.transpose(1, 2) / q.size(-1) ** 0.5
        mask = torch.full_like(full, float("-inf")).scatter(-1, picked, 0.0)
        agreement = F.kl_div(index.log_softmax(-1), full.detach().softmax(-1), reduction="batchmean")
        return (full + mask).softmax(-1) @ v, agreement


model = nn.ModuleDict({"attention": SparseAttention(), "head": nn.Linear(16, 3)})
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
for step in range(5):
    x = torch.randn(6, 10, 16)
    h, agreement = model["attention"](x)
    loss = F.cross_entropy(model["head"](h.mean(1)), x.mean(1)[:, :3].argmax(1)) + agreement
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
