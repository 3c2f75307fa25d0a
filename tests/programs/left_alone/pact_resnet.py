import torch
import torch.nn as nn
import torch.nn.functional as F


class RoundSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.round()

    @staticmethod
    def backward(ctx, grad):
        return grad


class PACTFakeQuantize(nn.Module):
    def __init__(self, bits=4, init=6.0):
        super().__init__()
        self.levels = 2 ** bits - 1
        self.alpha = nn.Parameter(torch.tensor(init))

    def extra_repr(self):
        return f"levels={self.levels}, alpha={self.alpha.item():.3f}"

    def forward(self, x):
        alpha = self.alpha
        x = torch.minimum(F.relu(x), alpha)
        scale = self.levels / alpha
        return RoundSTE.apply(x * scale) / scale


class ConvUnit(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.conv = nn.Conv2d(n_in, n_out, 3, padding=1)
        self.a_fakequant = PACTFakeQuantize(init=1.0)

    def forward(self, x):
        return self.a_fakequant(self.conv(x))


def build(widths, classes):
    units = [ConvUnit(a, b) for a, b in zip(widths, widths[1:])]
    return nn.Sequential(*units, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(widths[-1], classes))


torch.manual_seed(15)
model = build([3, 6, 8], 4)
alphas = [p for n, p in model.named_parameters() if n.endswith("alpha")]
weights = [p for n, p in model.named_parameters() if not n.endswith("alpha")]
optimizer = torch.optim.SGD([
    {"params": weights, "weight_decay": 1e-4},
    {"params": alphas, "weight_decay": 0.0},
], lr=0.1, momentum=0.9)
for it in range(6):
    image = torch.randn(8, 3, 8, 8) * 2
    label = image.mean((2, 3)).argmax(1)
    loss = F.cross_entropy(model(image), label)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(it, round(loss.item(), 5), [round(a.item(), 4) for a in alphas])
