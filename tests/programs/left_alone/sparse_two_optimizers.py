"""Recommender: SparseAdam for embeddings, Adam for the tower, sampled negatives by multinomial."""
import torch
from torch import nn


class TwoTower(nn.Module):
    def __init__(self, users, items, d=12):
        super().__init__()
        self.user = nn.Embedding(users, d, sparse=True)
        self.item = nn.EmbeddingBag(items, d, mode="sum", sparse=True)
        self.tower = nn.Sequential(nn.Linear(2 * d, 16), nn.ReLU(), nn.Linear(16, 1))

    def forward(self, u, i):
        return self.tower(torch.cat([self.user(u), self.item(i.unsqueeze(1))], 1)).squeeze(1)


torch.manual_seed(61)
net = TwoTower(40, 60)
sparse = [p for n, p in net.named_parameters() if not n.startswith("tower.")]
dense = [p for n, p in net.named_parameters() if n.startswith("tower.")]
opts = [torch.optim.SparseAdam(sparse, lr=1e-2), torch.optim.Adam(dense, lr=3e-3)]
popularity = torch.rand(60)
clicks = torch.stack([torch.randint(0, 40, (400,)), torch.multinomial(popularity, 400, replacement=True)], 1)
for step in range(14):
    b = clicks[torch.randint(0, 400, (32,))]
    neg = torch.multinomial(popularity ** 0.75, 32, replacement=True)
    pos_s, neg_s = net(b[:, 0], b[:, 1]), net(b[:, 0], neg)
    loss = -nn.functional.logsigmoid(pos_s - neg_s).mean() + 0.01 * (pos_s.square().mean() + neg_s.square().mean())
    for o in opts:
        o.zero_grad()
    loss.backward()
    for o in opts:
        o.step()
    print(step, loss.item())
