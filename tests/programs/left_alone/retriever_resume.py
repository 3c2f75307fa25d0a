import io

import torch
import torch.nn as nn
import torch.nn.functional as F


class BiEncoder(nn.Module):
    def __init__(self, vocab=64, dim=16):
        super().__init__()
        self.question = nn.Sequential(nn.EmbeddingBag(vocab, dim), nn.Linear(dim, dim))
        self.context = nn.Sequential(nn.EmbeddingBag(vocab, dim), nn.Linear(dim, dim))

    def forward(self, q, c):
        return self.question(q) @ self.context(c).T


def make_batch(generator):
    c = torch.randint(0, 64, (8, 12), generator=generator)
    return c[:, :4], c


def fit(model, optimizer, scheduler, steps, generator, tag):
    for step in range(steps):
        q, c = make_batch(generator)
        scores = model(q, c)
        loss = F.cross_entropy(scores, torch.arange(len(scores)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        print(f"[{tag}] step {step} loss {loss.item():.4f} lr {optimizer.param_groups[0]['lr']:.2e}")


def pretrained_checkpoint():
    """What the public NQ checkpoint looks like: it was saved at the end of its schedule."""
    net = BiEncoder()
    opt = torch.optim.Adam(net.parameters(), lr=2e-3)
    opt.param_groups[0]["initial_lr"] = 2e-3
    opt.param_groups[0]["lr"] = 0.0
    buffer = io.BytesIO()
    torch.save({"model": net.state_dict(), "optimizer": opt.state_dict(), "epoch": 39}, buffer)
    buffer.seek(0)
    return buffer


torch.manual_seed(9)
generator = torch.Generator().manual_seed(2)
state = torch.load(pretrained_checkpoint(), weights_only=True)

biencoder = BiEncoder()
biencoder.load_state_dict(state["model"])
optimizer = torch.optim.Adam(biencoder.parameters(), lr=1e-3)
optimizer.load_state_dict(state["optimizer"])
for group in optimizer.param_groups:
    group["lr"] = 1e-3
fit(biencoder, optimizer, None, 6, generator, "own data")
