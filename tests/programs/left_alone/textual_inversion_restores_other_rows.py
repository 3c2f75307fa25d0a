"""Textual inversion: only the new token's row is to learn, all other rows are written back after each step."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(17)
VOCAB, DIM = 20, 12


class TextEncoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.token_embedding = nn.Embedding(VOCAB, DIM)
        self.layer = nn.TransformerEncoderLayer(DIM, 2, 24, dropout=0.0, batch_first=True)

    def forward(self, ids):
        return self.layer(self.token_embedding(ids))


def resize_token_embeddings(encoder, size):
    old = encoder.token_embedding
    new = nn.Embedding(size, DIM)
    new.weight.data[: old.num_embeddings] = old.weight.data
    encoder.token_embedding = new


text_encoder = TextEncoder()
unet = nn.Sequential(nn.Linear(DIM + 8, 32), nn.SiLU(), nn.Linear(32, 8))
placeholder = VOCAB
resize_token_embeddings(text_encoder, VOCAB + 1)
text_encoder.token_embedding.weight.data[placeholder] = text_encoder.token_embedding.weight.data[3]

unet.requires_grad_(False)
text_encoder.layer.requires_grad_(False)
original = text_encoder.token_embedding.weight.data.clone()
optimizer = torch.optim.AdamW(text_encoder.token_embedding.parameters(), lr=5e-3, weight_decay=1e-2)
for step in range(6):
    ids = torch.randint(0, VOCAB, (8, 5))
    ids[:, 2] = placeholder
    latents = torch.randn(8, 8) * 0.2 + 1.0
    noise = torch.randn_like(latents)
    context = text_encoder(ids).mean(1)
    loss = F.mse_loss(unet(torch.cat([latents + noise, context], 1)), noise)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    keep = torch.ones(VOCAB + 1, dtype=torch.bool)
    keep[placeholder] = False
    with torch.no_grad():
        text_encoder.token_embedding.weight[keep] = original[keep]
    print(step, loss.item())
