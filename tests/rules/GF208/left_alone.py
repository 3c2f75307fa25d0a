import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(6, 10)
        self.head = nn.Linear(10, 4)

    def forward(self, x):
        return self.head(self.body(x).relu())


torch.manual_seed(18)
model = Net()
model.head = nn.Identity()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

for step in range(5):
    x, y = torch.randn(16, 6), torch.randint(0, 10, (16,))
    loss = nn.functional.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
