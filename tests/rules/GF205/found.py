# expect: blockage model.projection.*
import torch
from torch import nn


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(7, 16), nn.ReLU())
        self.projection = nn.Linear(16, 16)  # <- blame
        self.head = nn.Linear(16, 3)

    def forward(self, x):
        return self.head(self.body(x))


torch.manual_seed(15)
model = Classifier()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
x, y = torch.randn(40, 7), torch.randint(0, 3, (40,))

for step in range(5):
    loss = nn.functional.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
