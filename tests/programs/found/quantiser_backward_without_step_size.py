# expect: blockage *step_size
import torch
from torch import nn


class FakeQuantise(torch.autograd.Function):
    @staticmethod
    def forward(ctx, value, step, low, high):
        scaled = value / step
        ctx.save_for_backward(scaled)
        ctx.range = (low, high)
        return scaled.clamp(low, high).round() * step

    @staticmethod
    def backward(ctx, grad_output):
        (scaled,) = ctx.saved_tensors
        low, high = ctx.range
        inside = (scaled >= low) & (scaled <= high)
        return grad_output * inside, None, None, None  # <- blame


class QuantLinear(nn.Linear):
    """A linear layer with weights on a grid of learned step size."""

    def __init__(self, inputs, outputs, bits=4):
        super().__init__(inputs, outputs)
        self.low, self.high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
        self.step_size = nn.Parameter(2 * self.weight.detach().abs().mean() / self.high**0.5)

    def forward(self, x):
        weight = FakeQuantise.apply(self.weight, self.step_size, self.low, self.high)
        return nn.functional.linear(x, weight, self.bias)


def main():
    torch.manual_seed(0)
    model = nn.Sequential(QuantLinear(8, 24), nn.Tanh(), QuantLinear(24, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-2, momentum=0.9)
    for step in range(5):
        x = torch.randn(32, 8)
        loss = nn.functional.cross_entropy(model(x), x[:, :3].argmax(dim=1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"{step} {loss.item():.4f} steps {[round(m.step_size.item(), 4) for m in (model[0], model[2])]}")


if __name__ == "__main__":
    main()
