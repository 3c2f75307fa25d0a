# expect: leak *trunk.*
# expect: blockage *aux_head.*
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(109)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(10, 24), nn.ReLU())
        self.neck = nn.Sequential(nn.Linear(24, 16), nn.ReLU())
        self.main_head = nn.Linear(16, 3)
        self.aux_head = nn.Linear(16, 10)

    def forward(self, x):
        h = self.neck(self.trunk(x))
        return self.main_head(h), self.aux_head(h)


net = Net()
# trunk comes from the big pretraining run and is kept
net.trunk.requires_grad = False  # <- blame
optimizer = torch.optim.Adam([  # <- blame 2
    {"params": net.trunk.parameters()},
    {"params": net.neck.parameters()},
    {"params": net.main_head.parameters()},
], lr=2e-3)  # <- blame 2
for step in range(6):
    x = torch.randn(32, 10)
    y = x[:, :3].argmax(1)
    logits, rec = net(x)
    loss = F.cross_entropy(logits, y) + 0.5 * F.mse_loss(rec, x)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
