"""DARTS, first order: architecture weights learn from validation batches, operation weights from training batches."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(4)


class MixedOp(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.ops = nn.ModuleList([nn.Identity(), nn.Linear(dim, dim), nn.Sequential(nn.Linear(dim, dim), nn.Tanh())])

    def forward(self, x, weights):
        return sum(w * op(x) for w, op in zip(weights, self.ops))


class Network(nn.Module):
    def __init__(self, dim=12):
        super().__init__()
        self.stem = nn.Linear(6, dim)
        self.cells = nn.ModuleList(MixedOp(dim) for _ in range(2))
        self.head = nn.Linear(dim, 3)
        self.alphas = nn.Parameter(1e-3 * torch.randn(2, 3))

    def forward(self, x):
        h = self.stem(x)
        for cell, a in zip(self.cells, self.alphas):
            h = cell(h, a.softmax(0))
        return self.head(h)

    def weights(self):
        return [p for n, p in self.named_parameters() if n != "alphas"]


def batch(n):
    x = torch.randn(n, 6)
    return x, x[:, :3].argmax(1)


net = Network()
w_opt = torch.optim.SGD(net.weights(), lr=0.05, momentum=0.9, weight_decay=3e-4)
a_opt = torch.optim.Adam([net.alphas], lr=3e-3, betas=(0.5, 0.999))
for step in range(5):
    x_val, y_val = batch(24)
    val_loss = F.cross_entropy(net(x_val), y_val)
    (net.alphas.grad,) = torch.autograd.grad(val_loss, [net.alphas])
    a_opt.step()

    x, y = batch(24)
    train_loss = F.cross_entropy(net(x), y)
    weights = net.weights()
    for p, g in zip(weights, torch.autograd.grad(train_loss, weights)):
        p.grad = g
    nn.utils.clip_grad_norm_(weights, 5.0)
    w_opt.step()
    print(step, val_loss.item(), train_loss.item())
