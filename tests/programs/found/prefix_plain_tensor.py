# expect: blockage *prefix
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(54)


class PrefixTuned(nn.Module):
    def __init__(self, lm, d=16, n_prefix=4, classes=2):
        super().__init__()
        self.lm = lm.requires_grad_(False)
        self.prefix = torch.randn(n_prefix, d, requires_grad=True)  # <- blame
        self.verbalizer = nn.Linear(d, classes)

    def forward(self, emb):
        pre = self.prefix.unsqueeze(0).expand(emb.size(0), -1, -1)
        h = self.lm(torch.cat([pre, emb], dim=1))
        return self.verbalizer(h[:, 0])


lm = nn.TransformerEncoderLayer(16, 4, 32, dropout=0.0, batch_first=True).eval()
vocab = nn.Embedding(30, 16).requires_grad_(False)
model = PrefixTuned(lm)
params = [p for p in model.parameters() if p.requires_grad]
print("trainable", sum(p.numel() for p in params))
optimizer = torch.optim.AdamW(params, lr=1e-2)
for step in range(6):
    ids = torch.randint(0, 30, (16, 7))
    y = (ids[:, 0] > 14).long()
    loss = F.cross_entropy(model(vocab(ids)), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
