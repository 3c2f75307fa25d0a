import torch
import torch.nn as nn
import torch.nn.functional as F


class FixedWeightConv(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.channels = channels
        self.weight = None

    def forward(self, x, norm_adj):
        return norm_adj @ (x @ self.weight)


class EvolveGCNO(nn.Module):
    """The weight of the graph convolution is the hidden state of a recurrent cell."""

    def __init__(self, channels):
        super().__init__()
        self.initial_weight = nn.Parameter(torch.randn(channels, channels) * 0.3)
        self.recurrent_layer = nn.GRU(channels, channels)
        self.conv_layer = FixedWeightConv(channels)
        self.weight = None

    def reset(self):
        self.weight = None

    def forward(self, x, norm_adj):
        w = self.initial_weight if self.weight is None else self.weight
        w = w.unsqueeze(0)
        w, _ = self.recurrent_layer(w, w)
        self.weight = w.squeeze(0)
        self.conv_layer.weight = self.weight
        return self.conv_layer(x, norm_adj)


class TemporalRegressor(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.recurrent = EvolveGCNO(channels)
        self.linear = nn.Linear(channels, 1)

    def forward(self, x, norm_adj):
        return self.linear(F.relu(self.recurrent(x, norm_adj)))


def snapshots(generator, n=8, t=3, channels=5):
    adj = torch.rand(n, n, generator=generator) + torch.eye(n)
    adj = adj / adj.sum(1, keepdim=True)
    for _ in range(t):
        x = torch.randn(n, channels, generator=generator)
        yield x, adj, (adj @ x).sum(1, keepdim=True)


torch.manual_seed(41)
net = TemporalRegressor(5)
optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
for epoch in range(4):
    net.recurrent.reset()
    cost = torch.zeros(())
    for x, adj, y in snapshots(torch.Generator().manual_seed(epoch)):
        cost = cost + F.mse_loss(net(x, adj), y)
    optimizer.zero_grad()
    cost.backward()
    optimizer.step()
    print(f"epoch {epoch} cost {cost.item():.5f}")
