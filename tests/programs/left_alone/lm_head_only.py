import torch
import torch.nn as nn
import torch.nn.functional as F

# options: --frozen lm.transformer


class Transformer(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.wte = nn.Embedding(cfg["vocab"], cfg["n_embd"])
        self.wpe = nn.Embedding(cfg["n_ctx"], cfg["n_embd"])
        layer = nn.TransformerEncoderLayer(cfg["n_embd"], cfg["n_head"], 2 * cfg["n_embd"], dropout=0.0,
                                           batch_first=True, norm_first=True)
        self.h = nn.TransformerEncoder(layer, cfg["n_layer"], enable_nested_tensor=False)
        self.ln_f = nn.LayerNorm(cfg["n_embd"])

    def forward(self, ids):
        n = ids.size(1)
        mask = nn.Transformer.generate_square_subsequent_mask(n)
        x = self.wte(ids) + self.wpe(torch.arange(n))
        return self.ln_f(self.h(x, mask=mask, is_causal=True))


class LMHeadModel(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.transformer = Transformer(cfg)
        self.lm_head = nn.Linear(cfg["n_embd"], cfg["vocab"], bias=False)
        if cfg["tie_word_embeddings"]:
            self.lm_head.weight = self.transformer.wte.weight

    def forward(self, ids):
        return self.lm_head(self.transformer(ids))


CFG = {"vocab": 30, "n_embd": 16, "n_ctx": 12, "n_head": 2, "n_layer": 1, "tie_word_embeddings": False}
torch.manual_seed(17)
lm = LMHeadModel(CFG)

for param in lm.parameters():
    param.requires_grad = False
for param in lm.lm_head.parameters():
    param.requires_grad = True

optimizer = torch.optim.AdamW((p for p in lm.parameters() if p.requires_grad), lr=1e-3, weight_decay=0.0)
for step in range(4):
    ids = torch.randint(0, 30, (8, 10))
    logits = lm(ids[:, :-1])
    loss = F.cross_entropy(logits.reshape(-1, 30), ids[:, 1:].reshape(-1))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, f"{loss.item():.5f}")
