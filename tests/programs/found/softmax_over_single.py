# expect: blockage *score.*
import torch
from torch import nn


class AttnPool(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.score = nn.Linear(d, 1, bias=False)

    def forward(self, h):
        logits = self.score(torch.tanh(h))
        w = torch.softmax(logits, dim=-1)  # <- blame
        return (w * h).sum(1)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(4, 16, batch_first=True)
        self.pool = AttnPool(16)
        self.fc = nn.Linear(16, 2)

    def forward(self, x):
        return self.fc(self.pool(self.rnn(x)[0]))


torch.manual_seed(23)
net = Net()
opt = torch.optim.Adam(net.parameters(), lr=4e-3)
x = torch.randn(90, 7, 4); y = (x[:, 3, 0] > 0).long()
for step in range(10):
    i = torch.randint(0, 90, (30,))
    loss = nn.functional.cross_entropy(net(x[i]), y[i])
    opt.zero_grad()
    loss.backward()
    opt.step()
print(loss.item())
