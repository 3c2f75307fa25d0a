# expect: blockage *model.*
import argparse
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.optim.lr_scheduler import LambdaLR

ap = argparse.ArgumentParser()
ap.add_argument("--lr", type=float, default=1e-3)
ap.add_argument("--warmup", type=int, default=20)
ap.add_argument("--steps", type=int, default=8)
args = ap.parse_args([])
torch.manual_seed(46)


def factor(step):
    step = step + 1
    return min(1, step // args.warmup)  # <- blame


class GPT(nn.Module):
    def __init__(self, vocab=20, d=16):
        super().__init__()
        self.tok = nn.Embedding(vocab, d)
        self.block = nn.TransformerEncoderLayer(d, 2, 32, 0.0, batch_first=True)
        self.out = nn.Linear(d, vocab)

    def forward(self, ids):
        mask = nn.Transformer.generate_square_subsequent_mask(ids.size(1))
        return self.out(self.block(self.tok(ids), src_mask=mask, is_causal=True))


model = GPT()
optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr)
scheduler = LambdaLR(optimizer, factor)  # <- blame
for step in range(args.steps):
    ids = (torch.randint(0, 20, (8, 1)) + torch.arange(8)) % 20
    loss = F.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    print(step, loss.item())
