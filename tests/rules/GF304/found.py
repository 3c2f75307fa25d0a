# expect-note: GF304 model.*
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(6, 20), nn.GELU(), nn.Linear(20, 1))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
running = 0.0
for step in range(6):
    x = torch.randn(32, 6)
    loss = F.smooth_l1_loss(model(x), x.prod(1, keepdim=True))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    running += loss  # <- blame
print(running / 6)
