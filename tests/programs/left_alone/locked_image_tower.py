import math

import torch
import torch.nn as nn
import torch.nn.functional as F


class ImageTower(nn.Module):
    def __init__(self, dim=16):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 4, 4), nn.BatchNorm2d(8), nn.GELU())
        self.proj = nn.Linear(8, dim)

    def lock(self):
        self.requires_grad_(False)
        return self.eval()

    def train(self, mode=True):
        return super().train(False)

    def forward(self, x):
        return self.proj(self.stem(x).mean((2, 3)))


class LiT(nn.Module):
    def __init__(self, vocab=40, dim=16):
        super().__init__()
        self.visual = ImageTower(dim).lock()
        self.token_embedding = nn.Embedding(vocab, dim)
        self.text = nn.GRU(dim, dim, batch_first=True)
        self.logit_scale = nn.Parameter(torch.tensor(math.log(95.0)))

    def forward(self, image, text):
        with torch.no_grad():
            i = F.normalize(self.visual(image), dim=-1)
        _, h = self.text(self.token_embedding(text))
        t = F.normalize(h[-1], dim=-1)
        return self.logit_scale.exp() * i @ t.T


def clip_loss(logits):
    target = torch.arange(len(logits))
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


torch.manual_seed(2)
model = LiT()
gain_or_bias = [p for n, p in model.named_parameters() if p.requires_grad and (p.ndim < 2)]
rest = [p for n, p in model.named_parameters() if p.requires_grad and p.ndim >= 2]
optimizer = torch.optim.AdamW([{"params": gain_or_bias, "weight_decay": 0.0}, {"params": rest, "weight_decay": 0.2}], lr=2e-3)
for step in range(5):
    model.train()
    image = torch.randn(12, 3, 8, 8)
    text = (image[:, :, :2, :2].reshape(12, -1) * 5).long().abs() % 40
    loss = clip_loss(model(image, text))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    with torch.no_grad():
        model.logit_scale.clamp_(0, math.log(100))
    print(f"{step} {loss.item():.5f} {model.logit_scale.item():.5f}")
