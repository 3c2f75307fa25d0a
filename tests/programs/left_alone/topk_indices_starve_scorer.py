import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(102)


class TokenPruner(nn.Module):
    def __init__(self, d, keep):
        super().__init__()
        self.scorer = nn.Linear(d, 1)
        self.keep = keep

    def forward(self, tokens):
        s = torch.sigmoid(self.scorer(tokens)).squeeze(-1)
        top, idx = s.topk(self.keep, dim=1)
        kept = tokens.gather(1, idx.unsqueeze(-1).expand(-1, -1, tokens.size(-1)))
        kept = kept * top.unsqueeze(-1)
        return kept


class PrunedTransformer(nn.Module):
    def __init__(self, d=12):
        super().__init__()
        self.stem = nn.Linear(6, d)
        self.prune = TokenPruner(d, keep=3)
        self.block = nn.TransformerEncoderLayer(d, 2, 24, 0.0, batch_first=True)
        self.head = nn.Linear(d, 2)

    def forward(self, x):
        return self.head(self.block(self.prune(self.stem(x))).mean(1))


model = PrunedTransformer()
opt = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.0)
for it in range(6):
    x = torch.randn(16, 8, 6)
    y = (x[..., 0].max(1).values > 1.4).long()
    loss = F.cross_entropy(model(x), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(it, loss.item())
