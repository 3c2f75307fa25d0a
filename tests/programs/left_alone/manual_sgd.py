"""No optimizer, no nn.Module: leaf tensors and a hand-written momentum step, as in a first lecture."""
import torch

torch.manual_seed(47)
n_in, n_hidden = 3, 24
W1 = (torch.randn(n_in, n_hidden) / n_in ** 0.5).requires_grad_()
b1 = torch.zeros(n_hidden, requires_grad=True)
W2 = (torch.randn(n_hidden, 1) / n_hidden ** 0.5).requires_grad_()
b2 = torch.zeros(1, requires_grad=True)
params = [W1, b1, W2, b2]
velocity = [torch.zeros_like(p) for p in params]
x = torch.randn(300, n_in)
y = torch.sin(x.sum(1, keepdim=True))
lr = 0.05

for epoch in range(4):
    perm = torch.randperm(300)
    for k in range(0, 300, 60):
        xb, yb = x[perm[k:k + 60]], y[perm[k:k + 60]]
        h = torch.tanh(xb @ W1 + b1)
        loss = (h @ W2 + b2 - yb).pow(2).mean()
        for p in params:
            p.grad = None
        loss.backward()
        with torch.no_grad():
            for p, v in zip(params, velocity):
                v.mul_(0.9).add_(p.grad)
                p -= lr * v
    lr *= 0.9
    print(epoch, loss.item())
