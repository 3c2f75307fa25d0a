import torch
from torch import nn
class Block(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.ff = nn.Linear(d, d)
        self.gate = nn.Linear(d, d)
    def forward(self, x):
        h = torch.tanh(self.ff(x))
        gated = h * torch.sigmoid(self.gate(x))
        return x + gated
torch.manual_seed(4)
net = nn.Sequential(Block(8), Block(8), nn.Linear(8, 2))
opt = torch.optim.SGD(net.parameters(), lr=0.1)
for _ in range(5):
    x = torch.randn(16, 8)
    loss = nn.functional.cross_entropy(net(x), (x[:, 0] > 0).long())
    opt.zero_grad(); loss.backward(); opt.step()
    print(loss.item())
