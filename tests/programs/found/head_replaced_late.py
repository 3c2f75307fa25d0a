# expect: blockage *head.*
import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(5, 20), nn.ELU())
        self.head = nn.Linear(20, classes)

    def reset_head(self, classes):
        self.head = nn.Linear(self.head.in_features, classes)  # <- blame

    def forward(self, x):
        return self.head(self.body(x))


def setup(classes):
    model = Model(10)
    opt = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)  # <- blame
    model.reset_head(classes)  # <- blame
    return model, opt


torch.manual_seed(15)
model, opt = setup(3)
x = torch.randn(90, 5); y = x[:, :3].argmax(1)
for epoch in range(3):
    for xb, yb in zip(x.split(30), y.split(30)):
        loss = nn.functional.cross_entropy(model(xb), yb)
        model.zero_grad()
        loss.backward()
        opt.step()
    print(epoch, loss.item())
