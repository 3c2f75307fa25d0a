"""GNNAutoScale: neighbours outside the mini-batch are read from a history that is written without gradient."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(24)
NODES, FEATURES, HIDDEN, CLASSES = 40, 6, 12, 3


class History(nn.Module):
    def __init__(self, n, dim):
        super().__init__()
        self.register_buffer("table", torch.zeros(n, dim), persistent=False)

    @torch.no_grad()
    def push(self, index, x):
        self.table[index] = x.detach()

    def pull(self):
        return self.table.clone()


class Sage(nn.Module):
    def __init__(self):
        super().__init__()
        self.self1, self.neigh1 = nn.Linear(FEATURES, HIDDEN), nn.Linear(FEATURES, HIDDEN, bias=False)
        self.self2, self.neigh2 = nn.Linear(HIDDEN, CLASSES), nn.Linear(HIDDEN, CLASSES, bias=False)
        self.history = History(NODES, HIDDEN)

    def forward(self, x, adjacency, batch):
        rows = adjacency[batch]
        h = F.relu(self.self1(x[batch]) + self.neigh1(rows @ x))
        everyone = self.history.pull()
        everyone = everyone.index_copy(0, batch, h)
        self.history.push(batch, h)
        return self.self2(h) + self.neigh2(rows @ everyone)


label = torch.randint(0, CLASSES, (NODES,))
x = F.one_hot(label, FEATURES).float() + 0.5 * torch.randn(NODES, FEATURES)
same = label.unsqueeze(0) == label.unsqueeze(1)
adjacency = (torch.rand(NODES, NODES) < torch.where(same, 0.3, 0.05)).float()
adjacency = adjacency / adjacency.sum(1, keepdim=True).clamp(min=1)

model = Sage()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, weight_decay=5e-4)
for epoch in range(3):
    total = 0.0
    for batch in torch.randperm(NODES).split(20):
        loss = F.cross_entropy(model(x, adjacency, batch), label[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    print(epoch, total / 2)
