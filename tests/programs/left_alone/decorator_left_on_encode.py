import torch
from torch import nn
import torch.nn.functional as F


class Siamese(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(9, 32), nn.ReLU())
        self.embed = nn.Linear(32, 8)

    def features(self, x):
        return F.normalize(self.backbone(x), dim=-1)

    def forward(self, a, b):
        return self.embed(self.features(a)), self.embed(self.features(b))


def contrastive(za, zb, t=0.2):
    logits = F.normalize(za, dim=1) @ F.normalize(zb, dim=1).T / t
    return F.cross_entropy(logits, torch.arange(len(za)))


torch.manual_seed(24)
net = Siamese()
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
x = torch.randn(120, 9)
for epoch in range(3):
    for i in torch.randperm(120).split(30):
        loss = contrastive(*net(x[i], x[i] + 0.1 * torch.randn(30, 9)))
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(epoch, loss.item())
