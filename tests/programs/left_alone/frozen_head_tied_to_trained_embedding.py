import torch
import torch.nn.functional as F
from torch import nn


class CharModel(nn.Module):
    def __init__(self, vocab=40, width=16):
        super().__init__()
        self.embed = nn.Embedding(vocab, width)
        self.rnn = nn.GRU(width, width, batch_first=True)
        self.lm_head = nn.Linear(width, vocab, bias=False)

    def forward(self, tokens):
        hidden, _ = self.rnn(self.embed(tokens))
        return self.lm_head(hidden)


torch.manual_seed(12)
model = CharModel()
pretrained_head = torch.randn(40, 16) * 0.3
with torch.no_grad():
    model.lm_head.weight.copy_(pretrained_head)
model.lm_head.requires_grad_(False)

with torch.no_grad():
    model.embed.weight.copy_(model.lm_head.weight)

optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=1e-3)
for step in range(5):
    text = torch.randint(0, 40, (8, 11))
    logits = model(text[:, :-1])
    loss = F.cross_entropy(logits.reshape(-1, 40), text[:, 1:].reshape(-1))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 2 == 0:
        print(f"step {step}: {loss.item():.3f}")
