# expect: blockage *encoder.*
import numpy as np
import torch
from torch import nn


def standardize(h):
    a = h.detach().numpy()  # <- blame
    a = (a - a.mean(0)) / (a.std(0) + 1e-6)
    return torch.from_numpy(a.astype(np.float32))  # <- blame


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(6, 20), nn.ReLU(), nn.Linear(20, 8, bias=False))
        self.clf = nn.Linear(8, 3)

    def forward(self, x):
        return self.clf(standardize(self.encoder(x)))


torch.manual_seed(14); np.random.seed(14)
net = Net()
opt = torch.optim.Adam(net.parameters(), lr=3e-3)
x = torch.randn(100, 6); y = x[:, :3].argmax(1)
for step in range(10):
    i = torch.from_numpy(np.random.choice(100, 32, replace=False))
    loss = nn.functional.cross_entropy(net(x[i]), y[i])
    opt.zero_grad()
    loss.backward()
    opt.step()
print(loss.item())
