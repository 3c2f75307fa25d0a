# expect: blockage *aux_head.*
import torch
from torch import nn
import torch.nn.functional as F
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(10, 32), nn.ReLU())
        self.head = nn.Linear(32, 3)
        self.aux_head = nn.Linear(32, 3)
    def forward(self, x):
        h = self.body(x)
        return self.head(h), self.aux_head(h)
class Trainer:
    def __init__(self):
        self.net = Net()
        self.opt = torch.optim.Adam(self.net.parameters(), lr=1e-3)
    def loss(self, x, y):
        logits, aux_logits = self.net(x)
        return F.cross_entropy(logits, y) + 0.3 * F.cross_entropy(logits, y)  # <- blame
    def fit(self):
        for _ in range(5):
            x = torch.randn(32, 10)
            loss = self.loss(x, x[:, :3].argmax(1))
            self.opt.zero_grad()
            loss.backward()
            self.opt.step()
            print(loss.item())
torch.manual_seed(5)
Trainer().fit()
