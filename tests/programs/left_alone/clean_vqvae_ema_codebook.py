import torch
import torch.nn.functional as F
from torch import nn


class EMAQuantizer(nn.Module):
    def __init__(self, dim, n_embed, decay=0.95, eps=1e-5):
        super().__init__()
        self.dim, self.n_embed, self.decay, self.eps = dim, n_embed, decay, eps
        embed = torch.randn(dim, n_embed)
        self.register_buffer("embed", embed)
        self.register_buffer("cluster_size", torch.ones(n_embed))
        self.register_buffer("embed_avg", embed.clone())

    def embed_code(self, ids):
        return F.embedding(ids, self.embed.transpose(0, 1))

    def forward(self, input):
        flatten = input.reshape(-1, self.dim)
        dist = flatten.pow(2).sum(1, keepdim=True) - 2 * flatten @ self.embed + self.embed.pow(2).sum(0, keepdim=True)
        embed_ind = (-dist).max(1)[1]
        embed_onehot = F.one_hot(embed_ind, self.n_embed).type(flatten.dtype)
        quantize = self.embed_code(embed_ind.view(*input.shape[:-1]))

        if self.training:
            embed_sum = flatten.transpose(0, 1) @ embed_onehot
            self.cluster_size.data.mul_(self.decay).add_(embed_onehot.sum(0), alpha=1 - self.decay)
            self.embed_avg.data.mul_(self.decay).add_(embed_sum.detach(), alpha=1 - self.decay)
            n = self.cluster_size.sum()
            cluster_size = (self.cluster_size + self.eps) / (n + self.n_embed * self.eps) * n
            self.embed.data.copy_(self.embed_avg / cluster_size.unsqueeze(0))

        diff = (quantize.detach() - input).pow(2).mean()
        quantize = input + (quantize - input).detach()
        return quantize, diff, embed_ind


class VQVAE(nn.Module):
    def __init__(self, features=24, hidden=32, dim=8, n_embed=16):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(features, hidden), nn.ReLU(), nn.Linear(hidden, 2 * dim), nn.LayerNorm(2 * dim)
        )
        self.quantizer = EMAQuantizer(dim, n_embed)
        self.decoder = nn.Sequential(nn.Linear(2 * dim, hidden), nn.ReLU(), nn.Linear(hidden, features))

    def forward(self, x):
        z = self.encoder(x).view(len(x), 2, -1)
        quantized, diff, codes = self.quantizer(z)
        return self.decoder(quantized.flatten(1)), diff, codes


class VQTrainer:
    def __init__(self, model, lr=3e-3, latent_loss_weight=0.25):
        self.model, self.latent_loss_weight = model, latent_loss_weight
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=lr)

    def train(self, batches):
        self.model.train()
        for x in batches:
            self.model.zero_grad()
            out, latent_loss, _ = self.model(x)
            recon_loss = F.mse_loss(out, x)
            (recon_loss + self.latent_loss_weight * latent_loss).backward()
            self.optimizer.step()
        return recon_loss.item(), latent_loss.item()

    def codes_used(self, x):
        self.model.eval()
        with torch.no_grad():
            return self.model(x)[2].unique().numel()


if __name__ == "__main__":
    torch.manual_seed(0)
    data = torch.randn(160, 6) @ torch.randn(6, 24)
    trainer = VQTrainer(VQVAE())
    for epoch in range(2):
        recon, latent = trainer.train(data[:128].split(32))
        print(f"epoch {epoch} mse {recon:.4f} latent {latent:.4f} codes {trainer.codes_used(data[128:])}")
