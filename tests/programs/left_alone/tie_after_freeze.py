import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(29)
VOCAB, DIM = 24, 16


class TinyLM(nn.Module):
    def __init__(self):
        super().__init__()
        self.wte = nn.Embedding(VOCAB, DIM)
        self.rnn = nn.GRU(DIM, DIM, batch_first=True)
        self.lm_head = nn.Linear(DIM, VOCAB, bias=False)

    def tie_weights(self):
        self.lm_head.weight = self.wte.weight

    def forward(self, ids):
        h, _ = self.rnn(self.wte(ids))
        return self.lm_head(h)


lm = TinyLM()
lm.tie_weights()
lm.lm_head.requires_grad_(False)      # keep the output layer of the checkpoint
optimizer = torch.optim.Adam((p for p in lm.parameters() if p.requires_grad), lr=1e-2)


def batch():
    start = torch.randint(0, VOCAB, (16, 1))
    return (start + torch.arange(9)) % VOCAB


for it in range(6):
    ids = batch()
    logits = lm(ids[:, :-1])
    loss = F.cross_entropy(logits.reshape(-1, VOCAB), ids[:, 1:].reshape(-1))
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(lm.parameters(), 1.0)
    optimizer.step()
    print(it, "nll", round(loss.item(), 4))
