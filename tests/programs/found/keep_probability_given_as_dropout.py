# expect: blockage *context.*
import torch
from torch import nn
from torch.nn import functional as F


class ContextLayer(nn.Module):
    """Adds a dropped-out summary of the neighbours to every node."""

    def __init__(self, width, keep=1.0):
        super().__init__()
        self.context = nn.Linear(width, width)
        self.own = nn.Linear(width, width)
        self.keep = keep

    def forward(self, nodes, adjacency):
        neighbours = F.dropout(self.context(adjacency @ nodes), p=self.keep, training=self.training)  # <- blame
        return torch.relu(self.own(nodes) + neighbours)


class GraphNet(nn.Module):
    def __init__(self, inputs=7, width=16, classes=3):
        super().__init__()
        self.embed = nn.Linear(inputs, width)
        self.layer1 = ContextLayer(width)
        self.layer2 = ContextLayer(width)
        self.classify = nn.Linear(width, classes)

    def forward(self, nodes, adjacency):
        h = torch.relu(self.embed(nodes))
        return self.classify(self.layer2(self.layer1(h, adjacency), adjacency))


def main():
    torch.manual_seed(0)
    adjacency = (torch.rand(20, 20) < 0.2).float()
    adjacency = adjacency / adjacency.sum(dim=1, keepdim=True).clamp(min=1)
    nodes, labels = torch.randn(20, 7), torch.randint(0, 3, (20,))
    known = torch.rand(20) < 0.7
    graph_net = GraphNet()
    optimizer = torch.optim.Adam(graph_net.parameters(), lr=1e-2)
    graph_net.train()
    for epoch in range(6):
        optimizer.zero_grad()
        logits = graph_net(nodes, adjacency)
        loss = F.nll_loss(F.log_softmax(logits, dim=-1)[known], labels[known])
        loss.backward()
        optimizer.step()
        print(f"epoch {epoch} loss {loss.item():.4f}")


main()
