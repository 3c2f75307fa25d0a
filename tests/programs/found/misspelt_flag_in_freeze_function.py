# expect: leak *text_encoder.*
import torch
import torch.nn.functional as F
from torch import nn


class TextEncoder(nn.Module):
    def __init__(self, vocab=60, width=16):
        super().__init__()
        self.token = nn.Embedding(vocab, width)
        self.layer = nn.TransformerEncoderLayer(width, 2, 32, dropout=0.0, batch_first=True)

    def forward(self, ids):
        return self.layer(self.token(ids)).mean(dim=1)


class ImageEncoder(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.proj = nn.Linear(8, width)

    def forward(self, images):
        return self.proj(F.gelu(self.conv(images)).mean(dim=(2, 3)))


def freeze(module):
    for p in module.parameters():
        p.require_grad = False  # <- blame


def contrastive_loss(a, b, temperature=0.1):
    logits = F.normalize(a, dim=-1) @ F.normalize(b, dim=-1).t() / temperature
    labels = torch.arange(len(a))
    return (F.cross_entropy(logits, labels) + F.cross_entropy(logits.t(), labels)) / 2


def main():
    torch.manual_seed(5)
    text_encoder = TextEncoder()
    image_encoder = ImageEncoder()
    freeze(text_encoder)
    optimizer = torch.optim.AdamW(
        [{"params": image_encoder.parameters(), "lr": 1e-3}, {"params": text_encoder.parameters(), "lr": 1e-4}]
    )
    for step in range(4):
        images = torch.randn(8, 3, 16, 16)
        ids = torch.randint(0, 60, (8, 6))
        loss = contrastive_loss(image_encoder(images), text_encoder(ids))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"[{step}] {loss.item():.4f}")


if __name__ == "__main__":
    main()
