# expect: blockage *ema*running_*
import copy
import torch
import torch.nn as nn
import torch.nn.functional as F


class EMA:
    def __init__(self, model, decay=0.9):
        self.ema_model = copy.deepcopy(model).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, model):
        for e, p in zip(self.ema_model.parameters(), model.parameters()):  # <- blame
            e.lerp_(p, 1 - self.decay)


def make_model():
    return nn.Sequential(nn.Linear(8, 16, bias=False), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 3))


torch.manual_seed(80)
model = make_model()
ema = EMA(model)
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
for epoch in range(3):
    model.train()
    for _ in range(3):
        x = torch.randn(32, 8) * 4 + 3
        y = x[:, :3].argmax(1)
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        ema.update(model)
    with torch.no_grad():
        xv = torch.randn(64, 8) * 4 + 3
        acc = (ema.ema_model(xv).argmax(1) == xv[:, :3].argmax(1)).float().mean()
    print(epoch, loss.item(), "ema acc", acc.item())
