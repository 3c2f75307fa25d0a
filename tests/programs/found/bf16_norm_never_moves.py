# expect: blockage *norm.weight
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.inp = nn.Linear(8, 32)
        self.norm = nn.LayerNorm(32)
        self.out = nn.Linear(32, 1)

    def forward(self, x):
        return self.out(torch.relu(self.norm(self.inp(x))))


torch.manual_seed(27)
net = Net().to(torch.bfloat16)  # <- blame
opt = torch.optim.Adam(net.parameters(), lr=5e-4)  # <- blame
x = torch.randn(128, 8); y = x[:, :1] * 2
for step in range(12):
    i = torch.randint(0, 128, (32,))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        pred = net(x[i].bfloat16())
    loss = nn.functional.mse_loss(pred.float(), y[i])
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(step, loss.item())
