import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(1)


class SimSiam(nn.Module):
    def __init__(self, d_in=12, d=16):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(d_in, 32), nn.ReLU(), nn.Linear(32, d))
        self.predictor = nn.Sequential(nn.Linear(d, 8), nn.ReLU(), nn.Linear(8, d))

    def forward(self, x1, x2):
        z1, z2 = self.encoder(x1), self.encoder(x2)
        return self.predictor(z1), self.predictor(z2), z1, z2


def D(p, z):
    return -F.cosine_similarity(p, z.detach(), dim=1).mean()


model = SimSiam()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
for it in range(6):
    x = torch.randn(32, 12)
    x1, x2 = x + 0.2 * torch.randn_like(x), x + 0.2 * torch.randn_like(x)
    p1, p2, z1, z2 = model(x1, x2)
    loss = 0.5 * D(p1, z2) + 0.5 * D(p2, z1)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(it, loss.item())
