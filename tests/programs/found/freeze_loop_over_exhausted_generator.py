# expect: leak *encoder.*
import torch
import torch.nn.functional as F
from torch import nn


class GraphEncoder(nn.Module):
    def __init__(self, n_features=7, width=12):
        super().__init__()
        self.first = nn.Linear(n_features, width)
        self.second = nn.Linear(width, width)

    def forward(self, nodes, adjacency):
        hidden = torch.tanh(adjacency @ self.first(nodes))
        return torch.tanh(adjacency @ self.second(hidden))


def load_pretrained_encoder():
    encoder = GraphEncoder()
    encoder.load_state_dict({k: 0.4 * torch.randn_like(v) for k, v in encoder.state_dict().items()})
    return encoder


def freeze_encoder(encoder):
    params = encoder.parameters()  # <- blame
    total = sum(p.numel() for p in params)  # <- blame
    for p in params:  # <- blame
        p.requires_grad = False
    encoder.eval()
    print(f"freezing {total} encoder parameters")


def normalised_adjacency(n):
    adjacency = (torch.rand(n, n) < 0.3).float()
    adjacency = ((adjacency + adjacency.t()) > 0).float() + torch.eye(n)
    return adjacency / adjacency.sum(dim=1, keepdim=True)


def main():
    torch.manual_seed(48)
    encoder = load_pretrained_encoder()
    freeze_encoder(encoder)
    node_classifier = nn.Linear(12, 4)
    optimizer = torch.optim.Adam(
        [{"params": encoder.parameters(), "lr": 1e-4}, {"params": node_classifier.parameters(), "lr": 1e-2}]
    )
    nodes, adjacency, labels = torch.randn(20, 7), normalised_adjacency(20), torch.randint(0, 4, (20,))
    for epoch in range(5):
        loss = F.cross_entropy(node_classifier(encoder(nodes, adjacency)), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"epoch {epoch} loss {loss.item():.4f}")


if __name__ == "__main__":
    main()
