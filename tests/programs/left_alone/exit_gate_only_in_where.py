import torch
from torch import nn
from torch.nn import functional as F


class EarlyExitNet(nn.Module):
    def __init__(self, inputs=14, width=24, classes=3):
        super().__init__()
        self.shallow = nn.Sequential(nn.Linear(inputs, width), nn.ReLU())
        self.deep = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        self.exit_head = nn.Linear(width, classes)
        self.final_head = nn.Linear(width, classes)
        self.confidence = nn.Linear(width, 1)

    def forward(self, x):
        h = self.shallow(x)
        gate = torch.sigmoid(self.confidence(h))
        early, late = self.exit_head(h), self.final_head(self.deep(h))
        return gate * early + (1 - gate) * late


def train_one_epoch(model, optimizer, batches):
    model.train()
    running = 0.0
    for x, y in batches:
        optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        running += loss.item()
    return running / len(batches)


if __name__ == "__main__":
    torch.manual_seed(21)
    net = EarlyExitNet()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, weight_decay=0.0)
    batches = [(torch.randn(16, 14), torch.randint(0, 3, (16,))) for _ in range(3)]
    for epoch in range(2):
        print(epoch, train_one_epoch(net, optimizer, batches))
