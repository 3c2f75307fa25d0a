"""Freeze depth from the command line: 'embeddings + first k layers'; optimizer gets a lazy filter."""
import argparse
import re
import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--train-last", type=int, default=2)
parser.add_argument("--freeze", nargs="*", default=[r"^emb\."])
parser.add_argument("--lr", type=float, default=2e-3)
args = parser.parse_args([])
torch.manual_seed(42)


class Enc(nn.Module):
    def __init__(self, n=4, d=24):
        super().__init__()
        self.emb = nn.Embedding(33, d, padding_idx=0)
        self.layer = nn.ModuleList(nn.Sequential(nn.Linear(d, d), nn.GELU(), nn.LayerNorm(d)) for _ in range(n))
        self.pooler = nn.Linear(d, 2)

    def forward(self, ids):
        mask = (ids != 0).unsqueeze(-1).float()
        h = self.emb(ids)
        for l in self.layer:
            h = h + l(h)
        return self.pooler((h * mask).sum(1) / mask.sum(1).clamp(min=1))


model = Enc()
first = len(model.layer) - args.train_last
patterns = [re.compile(p) for p in args.freeze] + [re.compile(rf"^layer\.{i}\.") for i in range(first)]
frozen = []
for n, p in model.named_parameters():
    if any(r.search(n) for r in patterns):
        p.requires_grad_(False)
        frozen.append(n)
assert all(any(r.search(n) for n in frozen) for r in patterns), "a pattern matched nothing"
opt = torch.optim.AdamW(filter(lambda p: p.requires_grad, model.parameters()), lr=args.lr, weight_decay=0.05)
ids = torch.randint(1, 33, (80, 7)); ids[:, 5:] *= torch.randint(0, 2, (80, 2))
lab = (ids[:, 0] > 16).long()
for epoch in range(3):
    for i in torch.randperm(80).split(20):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(model(ids[i]), lab[i])
        loss.backward()
        opt.step()
    print(epoch, loss.item())
