import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(101)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer1 = nn.Sequential(nn.Linear(10, 20), nn.ReLU())
        self.layer2 = nn.Sequential(nn.Linear(20, 20), nn.ReLU())
        self.fc = nn.Linear(20, 4)

    def forward(self, x):
        return self.fc(self.layer2(self.layer1(x)))


net = Net()
net.layer1.requires_grad_(False)
net.layer2.requires_grad_(False)
optimizer = torch.optim.SGD(filter(lambda p: p.requires_grad, net.parameters()), lr=0.05)

for epoch in range(4):
    if epoch == 1:
        print("unfreezing layer2")
        net.layer2.requires_grad_(True)
        optimizer.add_param_group({"params": net.layer2.parameters(), "lr": 0.01})
    for _ in range(3):
        x = torch.randn(32, 10)
        y = x[:, :4].argmax(1)
        loss = F.cross_entropy(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
