"""LSQ: straight-through rounding and a gradient scale, both written with detach, around learned step sizes."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(28)


def grad_scale(x, scale):
    y, y_grad = x, x * scale
    return (y - y_grad).detach() + y_grad


def round_pass(x):
    return (x.round() - x).detach() + x


class LsqQuantizer(nn.Module):
    def __init__(self, bits, signed):
        super().__init__()
        self.low = -(2 ** (bits - 1)) if signed else 0
        self.high = 2 ** (bits - 1) - 1 if signed else 2**bits - 1
        self.step = nn.Parameter(torch.ones(()))
        self.ready = False

    def forward(self, x):
        if not self.ready:
            self.step.data.copy_(2 * x.detach().abs().mean() / math.sqrt(self.high))
            self.ready = True
        s = grad_scale(self.step, 1.0 / math.sqrt(self.high * x.numel()))
        return round_pass((x / s).clamp(self.low, self.high)) * s


class QuantLinear(nn.Linear):
    def __init__(self, *args):
        super().__init__(*args)
        self.quant_w, self.quant_x = LsqQuantizer(4, True), LsqQuantizer(4, False)

    def forward(self, x):
        return F.linear(self.quant_x(x), self.quant_w(self.weight), self.bias)


net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), QuantLinear(32, 32), nn.ReLU(), QuantLinear(32, 3))
optimizer = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9, weight_decay=1e-4)
for step in range(6):
    x = torch.randn(48, 8)
    y = x[:, :3].argmax(1)
    loss = F.cross_entropy(net(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
