# expect: leak *word_emb.weight
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(41)
rng = np.random.default_rng(0)


class NLI(nn.Module):
    def __init__(self, glove):
        super().__init__()
        self.word_emb = nn.Embedding(*glove.shape)
        self.word_emb.weight.data.copy_(torch.from_numpy(glove))
        self.word_emb.weight.requires_grad = False
        self.proj = nn.Linear(glove.shape[1], 20)
        self.out = nn.Linear(40, 3)

    def add_unk_token(self):
        w = self.word_emb.weight
        grown = torch.cat([w, w.mean(0, keepdim=True)])
        self.word_emb.weight = nn.Parameter(grown)  # <- blame
        self.word_emb.num_embeddings += 1

    def sent(self, ids):
        return torch.relu(self.proj(self.word_emb(ids))).max(1).values

    def forward(self, a, b):
        return self.out(torch.cat([self.sent(a), self.sent(b)], -1))


net = NLI(rng.standard_normal((30, 12)).astype("float32"))
net.add_unk_token()
optim = torch.optim.Adam([p for p in net.parameters() if p.requires_grad], lr=1e-3)
for it in range(5):
    a, b = torch.randint(0, 31, (16, 6)), torch.randint(0, 31, (16, 6))
    y = (a[:, 0] > b[:, 0]).long() + (a[:, 1] > b[:, 1]).long()
    loss = F.cross_entropy(net(a, b), y)
    optim.zero_grad()
    loss.backward()
    optim.step()
    print(it, loss.item())
