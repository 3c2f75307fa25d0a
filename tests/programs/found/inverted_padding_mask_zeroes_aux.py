# expect: blockage *mlm_head.*
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(74)
PAD, VOCAB, D = 0, 25, 16


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(VOCAB, D, padding_idx=PAD)
        self.gru = nn.GRU(D, D, batch_first=True)
        self.mlm_head = nn.Linear(D, VOCAB)
        self.cls_head = nn.Linear(D, 2)

    def forward(self, ids):
        h, last = self.gru(self.emb(ids))
        return self.mlm_head(h), self.cls_head(last[0])


def token_loss(logits, target):
    per_tok = F.cross_entropy(logits.transpose(1, 2), target, reduction="none")
    mask = (target == PAD).float()  # <- blame
    return (per_tok * mask).sum() / mask.sum().clamp(min=1)  # <- blame


net = Encoder()
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
for it in range(6):
    ids = torch.randint(1, VOCAB, (16, 8))
    label = (ids[:, -1] > 12).long()
    tok_logits, cls_logits = net(ids[:, :-1])
    loss = F.cross_entropy(cls_logits, label) + token_loss(tok_logits, ids[:, 1:])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(it, loss.item())
