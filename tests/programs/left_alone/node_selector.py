import torch
import torch.nn as nn
import torch.nn.functional as F


class GraphConv(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.root = nn.Linear(n_in, n_out)
        self.neighbour = nn.Linear(n_in, n_out, bias=False)

    def forward(self, x, adj):
        return self.root(x) + self.neighbour(adj @ x / adj.sum(-1, keepdim=True).clamp(min=1))


class SelfAttentionPool(nn.Module):
    def __init__(self, dim, ratio=0.5):
        super().__init__()
        self.ratio = ratio
        self.score_layer = GraphConv(dim, 1)

    def forward(self, x, adj):
        score = torch.tanh(self.score_layer(x, adj)).squeeze(-1)
        k = max(1, int(self.ratio * x.size(1)))
        top, perm = score.topk(k, dim=1)
        x = x.gather(1, perm.unsqueeze(-1).expand(-1, -1, x.size(-1))) * top.unsqueeze(-1)
        adj = adj.gather(1, perm.unsqueeze(-1).expand(-1, -1, adj.size(-1)))
        adj = adj.gather(2, perm.unsqueeze(1).expand(-1, k, -1))
        return x, adj, perm, score


class GraphClassifier(nn.Module):
    def __init__(self, features=6, dim=16, classes=2):
        super().__init__()
        self.conv1 = GraphConv(features, dim)
        self.pool = SelfAttentionPool(dim)
        self.conv2 = GraphConv(dim, dim)
        self.readout = nn.Linear(2 * dim, classes)

    def forward(self, x, adj):
        x = F.relu(self.conv1(x, adj))
        x, adj, _, _ = self.pool(x, adj)
        x = F.relu(self.conv2(x, adj))
        return self.readout(torch.cat([x.mean(1), x.amax(1)], -1))


def random_graphs(n, nodes=10):
    upper = (torch.rand(n, nodes, nodes) < 0.3).float().triu(1)
    x = torch.randn(n, nodes, 6)
    return x, upper + upper.transpose(1, 2), (x[..., 0].mean(1) > 0).long()


torch.manual_seed(77)
model = GraphClassifier()
groups = [{"params": model.pool.parameters(), "lr": 1e-2},
          {"params": [p for n, p in model.named_parameters() if not n.startswith("pool.")]}]
optimizer = torch.optim.Adam(groups, lr=3e-3)
for epoch in range(5):
    x, adj, y = random_graphs(24)
    loss = F.cross_entropy(model(x, adj), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(epoch, f"{loss:.5f}")
