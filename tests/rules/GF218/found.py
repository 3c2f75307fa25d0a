# expect: blockage scale
import torch
from torch import nn


class Quantise(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale):
        ctx.save_for_backward(x, scale)
        return (x / scale).round() * scale

    @staticmethod
    def backward(ctx, grad):
        return grad, None  # <- blame


torch.manual_seed(28)
scale = nn.Parameter(torch.tensor(0.3))
layer = nn.Linear(6, 6)
optimizer = torch.optim.Adam([*layer.parameters(), scale], lr=1e-2)

for step in range(5):
    x = torch.randn(16, 6)
    loss = nn.functional.mse_loss(Quantise.apply(layer(x), scale), x)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
