# expect: leak *trunk.1.*
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(85)


def freeze_trunk(trunk):
    for m in trunk.modules():
        if isinstance(m, nn.Conv2d):  # <- blame
            m.weight.requires_grad = False
            m.bias.requires_grad = False


class MetricNet(nn.Module):
    def __init__(self, dim=8):
        super().__init__()
        self.trunk = nn.Sequential(nn.Conv2d(1, 12, 3, 2, 1), nn.GroupNorm(3, 12), nn.ReLU(), nn.Conv2d(12, 12, 3, 2, 1), nn.ReLU())
        self.embedder = nn.Linear(12 * 4, dim)

    def forward(self, x):
        return F.normalize(self.embedder(self.trunk(x).flatten(1)), dim=1)


model = MetricNet()
freeze_trunk(model.trunk)
optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=3e-3)
criterion = nn.TripletMarginLoss(margin=0.5)
for step in range(6):
    proto = torch.randn(10, 1, 8, 8)
    anchor = model(proto + 0.2 * torch.randn_like(proto))
    positive = model(proto + 0.2 * torch.randn_like(proto))
    negative = model(proto.roll(1, 0))
    loss = criterion(anchor, positive, negative)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
