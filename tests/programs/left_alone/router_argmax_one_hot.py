import torch
from torch import nn
from torch.nn import functional as F


class SwitchLayer(nn.Module):
    def __init__(self, width, experts):
        super().__init__()
        self.router = nn.Linear(width, experts)
        self.experts = nn.ModuleList(
            nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)) for _ in range(experts)
        )

    def forward(self, tokens):
        probabilities = self.router(tokens).softmax(dim=-1)
        chosen = probabilities.argmax(dim=-1)
        dispatch = F.one_hot(chosen, len(self.experts)).to(tokens.dtype) * probabilities
        outputs = torch.stack([expert(tokens) for expert in self.experts], dim=-2)
        return tokens + (dispatch.unsqueeze(-1) * outputs).sum(dim=-2)


class SwitchTransformer(nn.Module):
    def __init__(self, vocabulary=30, width=12, experts=3):
        super().__init__()
        self.embed = nn.Embedding(vocabulary, width)
        self.moe = SwitchLayer(width, experts)
        self.norm = nn.LayerNorm(width)
        self.unembed = nn.Linear(width, vocabulary)

    def forward(self, ids):
        return self.unembed(self.norm(self.moe(self.embed(ids))))


torch.manual_seed(0)
lm = SwitchTransformer()
optimizer = torch.optim.AdamW(lm.parameters(), lr=3e-3)
for step in range(5):
    ids = torch.randint(0, 30, (6, 11))
    logits = lm(ids[:, :-1])
    loss = F.cross_entropy(logits.reshape(-1, 30), ids[:, 1:].reshape(-1))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"step {step}, loss {loss.item():.3f}")
