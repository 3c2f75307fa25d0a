import torch
import torch.nn as nn
import torch.nn.functional as F


class GraphConvolution(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.linear = nn.Linear(inputs, outputs)

    def forward(self, nodes, adjacency):
        return adjacency @ self.linear(nodes)


class GCN(nn.Module):
    def __init__(self, inputs=8, hidden=16, classes=3):
        super().__init__()
        self.first = GraphConvolution(inputs, hidden)
        self.second = GraphConvolution(hidden, classes)

    def forward(self, nodes, adjacency):
        return self.second(torch.relu(self.first(nodes, adjacency)), adjacency)


class NodeClassification:
    def __init__(self, lr=0.02, warmup=3, total=50):
        self.model = GCN()
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=lr, weight_decay=5e-4)
        self.scheduler = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer,
            lambda step: step / warmup if step < warmup else (total - step) / (total - warmup),
        )

    def train_epoch(self, nodes, adjacency, labels, mask):
        self.model.train()
        self.optimizer.zero_grad()
        loss = F.cross_entropy(self.model(nodes, adjacency)[mask], labels[mask])
        loss.backward()
        self.optimizer.step()
        self.scheduler.step()
        return loss.item()


def random_graph(nodes, features):
    adjacency = ((torch.rand(nodes, nodes) < 0.2) | torch.eye(nodes, dtype=torch.bool)).float()
    return torch.randn(nodes, features), adjacency / adjacency.sum(dim=1, keepdim=True)


torch.manual_seed(67)
nodes, adjacency = random_graph(30, 8)
labels = torch.randint(0, 3, (30,))
mask = torch.rand(30) < 0.6
task = NodeClassification()
for epoch in range(6):
    loss = task.train_epoch(nodes, adjacency, labels, mask)
    print(f"epoch {epoch} loss {loss:.4f} lr {task.optimizer.param_groups[0]['lr']:.4f}")
