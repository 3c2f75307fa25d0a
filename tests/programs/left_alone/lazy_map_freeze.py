import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(77)


class SentenceModel(nn.Module):
    def __init__(self, vocab=50, d=16, n_cls=2):
        super().__init__()
        self.bert = nn.Sequential(
            nn.Embedding(vocab, d),
            nn.TransformerEncoderLayer(d, 2, 32, dropout=0.0, batch_first=True))
        self.classifier = nn.Linear(d, n_cls)

    def forward(self, ids):
        return self.classifier(self.bert(ids).mean(1))


def freeze(module):
    list(map(lambda p: p.requires_grad_(False), module.parameters()))
    return module.eval()


model = SentenceModel()
freeze(model.bert)
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-3)

for step in range(5):
    ids = torch.randint(0, 50, (16, 6))
    label = (ids.float().mean(1) > 25).long()
    loss = F.cross_entropy(model(ids), label)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"step {step} loss {loss.item():.4f}")
