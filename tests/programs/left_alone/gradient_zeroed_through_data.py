import torch
from torch import nn

w1 = torch.randn(6, 12, requires_grad=True)
w2 = torch.randn(12, 2, requires_grad=True)
optimizer = torch.optim.SGD([w1, w2], lr=1e-3)
for _ in range(6):
    x = torch.randn(16, 6)
    loss = nn.functional.mse_loss(x.mm(w1).clamp(min=0).mm(w2), x[:, :2])
    loss.backward()
    optimizer.step()
    w1.grad.data.zero_()
    w2.grad.data.zero_()
