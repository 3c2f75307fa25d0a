import torch
from torch import nn


class Binarise(torch.autograd.Function):
    """The sign of the weight; going back the gradient passes wherever the weight lies within [-1, 1]."""

    @staticmethod
    def forward(ctx, weight):
        ctx.save_for_backward(weight)
        return torch.where(weight >= 0, 1.0, -1.0)

    @staticmethod
    def backward(ctx, gradient):
        (weight,) = ctx.saved_tensors
        return gradient * (weight.abs() <= 1)


class BinaryConv2d(nn.Module):
    def __init__(self, inputs, outputs, kernel_size):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs, kernel_size, kernel_size).uniform_(-0.5, 0.5))
        self.alpha = nn.Parameter(torch.full((outputs, 1, 1), 0.1))

    def forward(self, x):
        return self.alpha * nn.functional.conv2d(x, Binarise.apply(self.weight), padding=1)


def build_model():
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1, bias=False),
        nn.BatchNorm2d(8),
        nn.Hardtanh(),
        BinaryConv2d(8, 16, 3),
        nn.AvgPool2d(2),
        nn.BatchNorm2d(16),
        nn.Hardtanh(),
        nn.Flatten(),
        nn.Linear(16 * 36, 5),
    )


def clip_weights(model):
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, BinaryConv2d):
                module.weight.clamp_(-1, 1)


def main():
    torch.manual_seed(4)
    model = build_model()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for step in range(5):
        images, labels = torch.randn(12, 1, 12, 12), torch.randint(0, 5, (12,))
        loss = nn.functional.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        clip_weights(model)
        print(f"step {step}: {loss.item():.4f}")


if __name__ == "__main__":
    main()
