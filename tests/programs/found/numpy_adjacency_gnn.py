# expect: blockage *edge_net.*
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(61)
N, D = 14, 6


class LatentGraph(nn.Module):
    """learns an adjacency, then propagates over it"""

    def __init__(self, hid=16):
        super().__init__()
        self.edge_net = nn.Bilinear(D, D, 1)
        self.lin1, self.lin2 = nn.Linear(D, hid), nn.Linear(hid, 3)

    def adjacency(self, x):
        i, j = torch.meshgrid(torch.arange(N), torch.arange(N), indexing="ij")
        a = torch.sigmoid(self.edge_net(x[i.flatten()], x[j.flatten()])).view(N, N)
        a = a.detach().numpy() + np.eye(N, dtype=np.float32)  # <- blame
        deg = a.sum(1)
        return torch.from_numpy(a / np.sqrt(np.outer(deg, deg)))  # <- blame

    def forward(self, x):
        a = self.adjacency(x)
        h = F.relu(a @ self.lin1(x))
        return a @ self.lin2(h)


model = LatentGraph()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
x = torch.randn(N, D)
y = x[:, :3].argmax(1)
for epoch in range(6):
    loss = F.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print("epoch", epoch, "loss", loss.item())
