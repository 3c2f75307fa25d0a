import torch
import torch.nn as nn
import torch.nn.functional as F


class EuclideanCodebook(nn.Module):
    def __init__(self, dim, size, decay=0.9, eps=1e-5):
        super().__init__()
        self.decay, self.eps, self.size = decay, eps, size
        embed = torch.randn(size, dim) * 0.3
        self.register_buffer("embed", embed)
        self.register_buffer("cluster_size", torch.ones(size))
        self.register_buffer("embed_avg", embed.clone())

    def forward(self, x):
        flat = x.detach().reshape(-1, x.size(-1))
        codes = torch.cdist(flat, self.embed).argmin(-1)
        quantize = F.embedding(codes, self.embed).view_as(x)
        if self.training:
            onehot = F.one_hot(codes, self.size).type(x.dtype)
            self.cluster_size.mul_(self.decay).add_(onehot.sum(0), alpha=1 - self.decay)
            self.embed_avg.mul_(self.decay).add_(onehot.T @ flat, alpha=1 - self.decay)
            n = self.cluster_size.sum()
            smoothed = (self.cluster_size + self.eps) / (n + self.size * self.eps) * n
            self.embed.copy_(self.embed_avg / smoothed.unsqueeze(1))
        return quantize, codes.view(x.shape[:-1])


class ResidualVQ(nn.Module):
    def __init__(self, dim, size, levels):
        super().__init__()
        self.layers = nn.ModuleList(EuclideanCodebook(dim, size) for _ in range(levels))

    def forward(self, x):
        residual, out, commit = x, 0.0, 0.0
        for layer in self.layers:
            q, _ = layer(residual)
            commit = commit + F.mse_loss(residual, q.detach())
            residual = residual - q.detach()
            out = out + q
        return x + (out - x).detach(), commit / len(self.layers)


class Codec(nn.Module):
    def __init__(self, dim=6):
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv1d(1, 12, 8, 4, 2), nn.ELU(), nn.Conv1d(12, dim, 3, padding=1))
        self.quantizer = ResidualVQ(dim, 12, 2)
        self.decoder = nn.Sequential(nn.Conv1d(dim, 12, 3, padding=1), nn.ELU(), nn.ConvTranspose1d(12, 1, 8, 4, 2))

    def forward(self, wave):
        z, commit = self.quantizer(self.encoder(wave).transpose(1, 2))
        return self.decoder(z.transpose(1, 2)), commit


torch.manual_seed(64)
codec = Codec()
optimizer = torch.optim.AdamW(codec.parameters(), lr=3e-3)
for step in range(5):
    wave = torch.sin(torch.rand(6, 1, 1) * torch.arange(64))
    recon, commit = codec(wave)
    loss = F.l1_loss(recon, wave) + 0.25 * commit
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"{step}: {loss.item():.5f} {commit.item():.5f}")
