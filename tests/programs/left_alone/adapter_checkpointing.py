from functools import partial

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.checkpoint import checkpoint


class Adapter(nn.Module):
    def __init__(self, dim, bottleneck=4):
        super().__init__()
        self.down = nn.Linear(dim, bottleneck)
        self.up = nn.Linear(bottleneck, dim)

    def forward(self, x):
        return x + self.up(F.gelu(self.down(x)))


class Layer(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.attn = nn.MultiheadAttention(dim, 2, batch_first=True)
        self.norm = nn.LayerNorm(dim)
        self.adapter = Adapter(dim)

    def forward(self, x):
        a, _ = self.attn(x, x, x, need_weights=False)
        return self.adapter(self.norm(x + a))


class Encoder(nn.Module):
    def __init__(self, vocab=40, dim=16, layers=2, classes=3):
        super().__init__()
        self.embeddings = nn.Embedding(vocab, dim)
        self.layers = nn.ModuleList(Layer(dim) for _ in range(layers))
        self.classifier = nn.Linear(dim, classes)
        self.checkpoint = None

    def gradient_checkpointing_enable(self, **kwargs):
        self.checkpoint = partial(checkpoint, **kwargs)

    def forward(self, ids):
        x = self.embeddings(ids)
        for layer in self.layers:
            x = self.checkpoint(layer, x) if self.checkpoint and self.training else layer(x)
        return self.classifier(x.mean(1))


torch.manual_seed(2)
model = Encoder()
for name, p in model.named_parameters():
    p.requires_grad = "adapter" in name or name.startswith("classifier")
model.gradient_checkpointing_enable(use_reentrant=False)
model.train()
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=3e-3)

for step in range(5):
    ids = torch.randint(0, 40, (12, 8))
    loss = F.cross_entropy(model(ids), ids[:, 0] % 3)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"{step:02d} {loss.item():.5f}")
