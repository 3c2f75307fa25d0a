# expect: leak *stem.*
import torch
from torch import nn
torch.manual_seed(12)
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Linear(6, 12)
        self.top = nn.Linear(12, 2)
    def forward(self, x):
        return self.top(torch.relu(self.stem(x)))
net = Net()
for p in net.stem.parameters():
    p.requires_grad = False
opt = torch.optim.SGD(net.parameters(), lr=0.1)
def centralise(model, decay=1e-2):
    for p in model.parameters():
        g = torch.zeros_like(p) if p.grad is None else p.grad
        p.grad = g + decay * p.detach()  # <- blame
for _ in range(5):
    x = torch.randn(16, 6)
    loss = nn.functional.cross_entropy(net(x), (x[:, 0] > 0).long())
    opt.zero_grad(); loss.backward()
    centralise(net)
    opt.step()
    print(loss.item())
