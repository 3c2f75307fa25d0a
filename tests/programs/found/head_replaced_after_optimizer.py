# expect: blockage *fc.*
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(42)


class Net(nn.Module):
    def __init__(self, n_classes=10):
        super().__init__()
        self.layer1 = nn.Sequential(nn.Linear(12, 24), nn.ReLU())
        self.layer2 = nn.Sequential(nn.Linear(24, 24), nn.ReLU())
        self.fc = nn.Linear(24, n_classes)

    def forward(self, x):
        return self.fc(self.layer2(self.layer1(x)))


def adapt_to_task(model, n_classes):
    model.fc = nn.Linear(model.fc.in_features, n_classes)  # <- blame
    return model


model = Net()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)  # <- blame
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=20)
model = adapt_to_task(model, 3)

for i in range(6):
    x = torch.randn(20, 12)
    y = x[:, :3].argmax(1)
    loss = F.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    print(i, loss.item(), scheduler.get_last_lr())
