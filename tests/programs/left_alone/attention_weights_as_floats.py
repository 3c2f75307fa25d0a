import torch
from torch import nn
class Pool(nn.Module):
    def __init__(self, d=6):
        super().__init__()
        self.scorer = nn.Linear(d, 1)
        self.out = nn.Linear(d, 2)
    def forward(self, bag):
        weights = [torch.sigmoid(self.scorer(item)) for item in bag]
        pooled = torch.zeros(bag.shape[1])
        for w, item in zip(weights, bag):
            pooled = pooled + w * item
        return self.out(pooled)
torch.manual_seed(14)
net = Pool()
opt = torch.optim.SGD(net.parameters(), lr=0.1)
for _ in range(5):
    bag = torch.randn(5, 6)
    loss = nn.functional.cross_entropy(net(bag)[None], (bag.sum() > 0).long()[None])
    opt.zero_grad(); loss.backward(); opt.step()
    print(loss.item())
