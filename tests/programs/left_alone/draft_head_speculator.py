import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F


class RMSNorm(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))
        self.eps = eps

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps) * self.weight


class DraftModel(nn.Module):
    def __init__(self, vocab, dim, layers):
        super().__init__()
        self.embed = nn.Embedding(vocab, dim)
        nn.init.normal_(self.embed.weight, std=0.02)
        self.norms = nn.ModuleList(RMSNorm(dim) for _ in range(layers))
        self.mixers = nn.ModuleList(nn.Linear(dim, dim, bias=False) for _ in range(layers))
        self.final_norm = RMSNorm(dim)
        self.lm_head = nn.Linear(dim, vocab, bias=False)

    def forward(self, ids):
        h = self.embed(ids)
        for norm, mixer in zip(self.norms, self.mixers):
            h = h + F.silu(mixer(norm(h)))
        return self.lm_head(self.final_norm(h))


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=6e-4)
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--steps", type=int, default=8)
    return parser.parse_args([])


args = parse()
torch.manual_seed(5)
draft = DraftModel(vocab=40, dim=16, layers=2)
draft = draft.to(getattr(torch, args.dtype))
optimizer = torch.optim.AdamW(draft.parameters(), lr=args.lr, weight_decay=0.0)

for step in range(args.steps):
    ids = torch.randint(0, 40, (16, 6))
    target = (ids * 3 + 1) % 40
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = draft(ids)
    loss = F.cross_entropy(logits.float().flatten(0, 1), target.flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"step {step} loss {loss.item():.4f}")
