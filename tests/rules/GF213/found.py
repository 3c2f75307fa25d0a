# expect: blockage model.*
import torch
from torch import nn

torch.manual_seed(23)
model = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1, bias=False))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
scaler = torch.amp.GradScaler("cpu")


def spread(prediction, groups):
    means = torch.stack([prediction[groups == g].mean() for g in range(3)])
    return torch.stack([prediction[groups == g].sub(means[g]).square().sum().sqrt() for g in range(3)]).mean()  # <- blame


for step in range(5):
    x, groups = torch.randn(12, 4), torch.tensor([0] * 6 + [1] * 5 + [2])
    loss = spread(model(x).squeeze(1), groups)
    optimizer.zero_grad()
    scaler.scale(loss).backward()
    scaler.step(optimizer)  # <- blame
    scaler.update()
    print(step, loss.item(), scaler.get_scale())
