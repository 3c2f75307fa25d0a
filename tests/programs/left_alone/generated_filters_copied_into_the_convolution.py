import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(221)


class DynamicFilter(nn.Module):
    """The filters of the second convolution are made for every clip, from its style."""

    def __init__(self, channels=4):
        super().__init__()
        self.first = nn.Conv1d(1, channels, 3, padding=1)
        self.generator = nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, channels * channels * 3))
        self.channels = channels
        self.head = nn.Linear(channels, 1)

    def forward(self, signal, style):
        h = F.relu(self.first(signal))
        filters = self.generator(style).view(self.channels, self.channels, 3)
        return self.head(F.relu(F.conv1d(h, filters, padding=1)).mean(-1))


net = DynamicFilter()
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
for step in range(6):
    style = torch.randn(5)
    signal = torch.randn(8, 1, 20)
    wanted = (signal * style[0]).mean(-1)
    loss = F.mse_loss(net(signal, style), wanted)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
