"""BitFit: only biases and the new classifier are tuned; selected by name."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(0)


class Block(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.ln1 = nn.LayerNorm(d)
        self.attn = nn.MultiheadAttention(d, heads, batch_first=True)
        self.ln2 = nn.LayerNorm(d)
        self.fc1 = nn.Linear(d, 4 * d)
        self.fc2 = nn.Linear(4 * d, d)

    def forward(self, x):
        h = self.ln1(x)
        # q/v bias get gradient; the k bias is constant over keys, so BitFit leaves in_proj_bias alone below
        a, _ = self.attn(h, h, h, need_weights=False)
        x = x + a
        return x + self.fc2(F.gelu(self.fc1(self.ln2(x))))


class Encoder(nn.Module):
    def __init__(self, vocab=50, d=32, n=2, classes=3):
        super().__init__()
        self.tok = nn.Embedding(vocab, d)
        self.register_buffer("pos", torch.randn(1, 12, d) * 0.02)
        self.blocks = nn.ModuleList(Block(d, 4) for _ in range(n))
        self.norm = nn.LayerNorm(d)
        self.classifier = nn.Linear(d, classes)

    def forward(self, ids):
        x = self.tok(ids) + self.pos[:, : ids.size(1)]
        for b in self.blocks:
            x = b(x)
        return self.classifier(self.norm(x).mean(1))


model = Encoder()
for name, p in model.named_parameters():
    p.requires_grad = name.startswith("classifier") or (name.endswith(".bias") and "attn" not in name)

decay, no_decay = [], []
for name, p in model.named_parameters():
    if not p.requires_grad:
        continue
    (no_decay if p.ndim == 1 else decay).append(p)
optimizer = torch.optim.AdamW(
    [{"params": decay, "weight_decay": 0.01}, {"params": no_decay, "weight_decay": 0.0}], lr=1e-3
)
n_train = sum(p.numel() for p in model.parameters() if p.requires_grad)
print(f"trainable {n_train} / {sum(p.numel() for p in model.parameters())}")

ids = torch.randint(0, 50, (96, 12))
labels = ids[:, 0] % 3
for epoch in range(2):
    model.train()
    for i in torch.randperm(96).split(16):
        optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(model(ids[i]), labels[i])
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        acc = (model(ids).argmax(-1) == labels).float().mean()
    print(f"epoch {epoch} loss {loss.item():.3f} acc {acc:.3f}")
