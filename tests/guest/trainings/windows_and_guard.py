# options: --after 2 --every 3 --guard --steps 1
import random
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
np.random.seed(0)
random.seed(0)

from torch.utils.data import DataLoader, TensorDataset

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder, self.norm, self.head = nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 1)
        self.encoder.requires_grad_(False)
    def forward(self, x):
        return self.head(F.dropout(self.norm(self.encoder(x)), 0.3, self.training))
net = Net()
opt = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], lr=0.1, momentum=0.9)
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, 12)
loader = DataLoader(TensorDataset(torch.randn(24, 4)), batch_size=6, shuffle=True)
for epoch in range(3):
    for (x,) in loader:
        loss = net(x).pow(2).mean()
        opt.zero_grad(); loss.backward(); opt.step(); print(loss.item())
    sched.step()
    if epoch == 1:
        net.encoder.requires_grad_(True)
        opt.add_param_group({"params": list(net.encoder.parameters()), "lr": 0.01})
    torch.save({"net": net.state_dict(), "opt": opt.state_dict(), "rng": torch.get_rng_state()}, f"{epoch}.pt")
del loader
