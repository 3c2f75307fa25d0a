"""VQ-VAE with EMA codebook in buffers, dead-code restart and straight-through."""
import torch
import torch.nn as nn
import torch.nn.functional as F


class VectorQuantizerEMA(nn.Module):
    def __init__(self, k, d, decay=0.9, commit=0.25):
        super().__init__()
        self.k, self.decay, self.commit = k, decay, commit
        self.register_buffer("codebook", torch.randn(k, d))
        self.register_buffer("cluster_size", torch.ones(k))
        self.register_buffer("embed_avg", self.codebook.clone())

    def forward(self, z):
        dist = torch.cdist(z.detach(), self.codebook)
        idx = dist.argmin(1)
        q = F.embedding(idx, self.codebook)
        if self.training:
            with torch.no_grad():
                onehot = F.one_hot(idx, self.k).float()
                self.cluster_size.mul_(self.decay).add_(onehot.sum(0), alpha=1 - self.decay)
                self.embed_avg.mul_(self.decay).add_(onehot.t() @ z, alpha=1 - self.decay)
                n = self.cluster_size.sum()
                size = (self.cluster_size + 1e-5) / (n + self.k * 1e-5) * n
                self.codebook.copy_(self.embed_avg / size.unsqueeze(1))
                dead = self.cluster_size < 0.05
                if dead.any():
                    pick = torch.randint(0, len(z), (int(dead.sum()),))
                    self.codebook[dead] = z[pick]
                    self.embed_avg[dead] = z[pick]
                    self.cluster_size[dead] = 1.0
        loss = self.commit * F.mse_loss(z, q.detach())
        return z + (q - z).detach(), loss, idx


torch.manual_seed(26)
enc = nn.Sequential(nn.Linear(12, 24), nn.ReLU(), nn.Linear(24, 4))
vq = VectorQuantizerEMA(16, 4)
dec = nn.Sequential(nn.Linear(4, 24), nn.ReLU(), nn.Linear(24, 12))
model = nn.ModuleDict({"enc": enc, "vq": vq, "dec": dec})
opt = torch.optim.AdamW(model.parameters(), lr=3e-3)
data = torch.randn(256, 12) @ torch.randn(12, 12) * 0.3
for step in range(20):
    model.train()
    x = data[torch.randint(0, 256, (64,))]
    q, commit, idx = model["vq"](model["enc"](x))
    loss = F.mse_loss(model["dec"](q), x) + commit
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 5 == 0:
        print(step, loss.item(), "codes", idx.unique().numel())
