# expect-note: GF305 model.*
import torch
import torch.nn.functional as F
from torch import nn

model = nn.LSTM(4, 8, batch_first=True)
optimizer = torch.optim.Adam(model.parameters())
state = None
for _ in range(6):
    x = torch.randn(2, 5, 4)
    out, state = model(x, state)
    state = tuple(s.detach() for s in state)
    loss = F.mse_loss(out[..., :4], x.roll(-1, 1))
    optimizer.zero_grad()
    loss.backward(retain_graph=True)  # <- blame
    optimizer.step()
print(loss.item())
