"""Federated fine-tuning: clients train the head on a frozen backbone, the server averages their weights by data size."""
import copy

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(51)
CLIENT_SIZES = [32, 32, 32, 32]
PER_ROUND = 2


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(10, 20), nn.Tanh(), nn.Linear(20, 12), nn.Tanh())
        self.head = nn.Linear(12, 3)

    def forward(self, x):
        return self.head(self.backbone(x))


def client_update(net, x, y):
    optimizer = torch.optim.SGD(net.head.parameters(), lr=0.1)
    for _ in range(2):
        loss = F.cross_entropy(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return net.state_dict(), loss.item()


def aggregate(states, weights):
    merged = {}
    for key in states[0]:
        merged[key] = sum(w * s[key] for w, s in zip(weights, states))
    return merged


server = Net()
for p in server.backbone.parameters():
    p.requires_grad = False

data = []
for n in CLIENT_SIZES:
    x = torch.randn(n, 10)
    data.append((x, (x[:, :3]).argmax(1)))

for round_ in range(3):
    chosen = torch.randperm(len(data))[:PER_ROUND].tolist()
    total = sum(CLIENT_SIZES[c] for c in chosen)
    states, losses = [], []
    for c in chosen:
        state, loss = client_update(copy.deepcopy(server), *data[c])
        states.append(state)
        losses.append(loss)
    server.load_state_dict(aggregate(states, [CLIENT_SIZES[c] / total for c in chosen]))
    print("round", round_, losses)
