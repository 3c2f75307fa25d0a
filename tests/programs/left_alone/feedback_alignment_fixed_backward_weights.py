"""Feedback alignment: errors travel back through fixed random matrices instead of the transposed weights."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(32)


class FeedbackLinear(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias, feedback):
        ctx.save_for_backward(x, feedback)
        return x @ weight.T + bias

    @staticmethod
    def backward(ctx, grad):
        x, feedback = ctx.saved_tensors
        return grad @ feedback, grad.T @ x, grad.sum(0), None


class FALinear(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(o, i) / i**0.5)
        self.bias = nn.Parameter(torch.zeros(o))
        self.feedback = nn.Parameter(torch.randn(o, i) / i**0.5, requires_grad=False)

    def forward(self, x):
        return FeedbackLinear.apply(x, self.weight, self.bias, self.feedback)


net = nn.Sequential(FALinear(8, 32), nn.Tanh(), FALinear(32, 16), nn.Tanh(), FALinear(16, 3))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
for step in range(6):
    x = torch.randn(64, 8)
    y = (x[:, 0] > 0).long() + (x[:, 1] > 0).long()
    loss = F.cross_entropy(net(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    w, b = net[2].weight.detach().flatten(), net[2].feedback.flatten()
    print(step, loss.item(), "alignment", round(F.cosine_similarity(w, b, dim=0).item(), 3))
