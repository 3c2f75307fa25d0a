# expect-note: GF301 vgg.*
"""A picture is optimised through a network in eval mode that is no part of any training: all there is to it is waste."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(6)
vgg = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1)).eval()
content = torch.rand(1, 3, 12, 12)
with torch.no_grad():
    wanted = vgg(content)
picture = torch.rand(1, 3, 12, 12, requires_grad=True)
optimizer = torch.optim.Adam([picture], lr=0.05)
for step in range(5):
    loss = F.mse_loss(vgg(picture), wanted)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
