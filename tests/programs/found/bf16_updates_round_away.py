# expect: blockage *norm.weight
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(75)


class Mixer(nn.Module):
    def __init__(self, d=16, vocab=12):
        super().__init__()
        self.emb = nn.Embedding(vocab, d)
        self.fc1, self.fc2 = nn.Linear(d, 32), nn.Linear(32, d)
        self.norm = nn.LayerNorm(d)
        self.out = nn.Linear(d, vocab)

    def forward(self, ids):
        h = self.emb(ids)
        h = h + self.fc2(F.gelu(self.fc1(h)))
        return self.out(self.norm(h.cumsum(1)))


model = Mixer().to(torch.bfloat16)  # <- blame
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-4, weight_decay=0.01)  # <- blame

for step in range(8):
    ids = (torch.randint(0, 12, (16, 1)) + torch.arange(7)) % 12
    logits = model(ids[:, :-1])
    loss = F.cross_entropy(logits.float().flatten(0, 1), ids[:, 1:].flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, round(loss.item(), 4))
