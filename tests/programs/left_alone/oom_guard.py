import logging
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

logging.basicConfig(stream=sys.stderr, level=logging.ERROR)
log = logging.getLogger("trainer")


class SentenceEncoder(nn.Module):
    def __init__(self, vocab, dim, n_out):
        super().__init__()
        self.embed = nn.Embedding(vocab, dim)
        self.conv = nn.Conv1d(dim, dim, 3, padding=1)
        self.proj = nn.Linear(dim, n_out)

    def forward(self, tokens):
        h = self.conv(self.embed(tokens).transpose(1, 2)).relu_()
        gate = torch.sigmoid(h)
        h = h * 0.5
        return self.proj((h * gate).mean(-1))


class Trainer:
    def __init__(self, model, lr):
        self.model = model
        self.optimizer = torch.optim.Adam(model.parameters(), lr=lr)
        self.skipped = 0

    def train_step(self, tokens, target):
        self.optimizer.zero_grad()
        try:
            loss = F.cross_entropy(self.model(tokens), target)
            loss.backward()
        except torch.OutOfMemoryError:
            # out of memory on a long batch: drop it and go on
            self.skipped += 1
            log.info("skipping batch of shape %s", tuple(tokens.shape))
            return None
        self.optimizer.step()
        return loss.item()

    def fit(self, batches, epochs):
        for epoch in range(epochs):
            losses = [self.train_step(*b) for b in batches]
            kept = [x for x in losses if x is not None]
            print(f"epoch {epoch}: {len(kept)}/{len(batches)} batches, mean {sum(kept) / max(len(kept), 1):.4f}")


torch.manual_seed(13)
batches = []
for n in (6, 9, 7):
    tokens = torch.randint(0, 30, (8, n))
    batches.append((tokens, tokens[:, 0] % 4))
trainer = Trainer(SentenceEncoder(30, 12, 4), lr=4e-3)
trainer.fit(batches, epochs=2)
