# expect: blockage *threshold
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(83)


class SoftShrink(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, lam):
        ctx.save_for_backward(x, lam)
        return torch.sign(x) * F.relu(x.abs() - lam)

    @staticmethod
    def backward(ctx, grad):
        x, lam = ctx.saved_tensors
        active = (x.abs() > lam).to(grad.dtype)
        gx = grad * active
        return gx, None  # <- blame


class LISTA(nn.Module):
    """unrolled sparse coding with a learned threshold"""

    def __init__(self, n=10, m=20, iters=3):
        super().__init__()
        self.W = nn.Linear(n, m, bias=False)
        self.S = nn.Linear(m, m, bias=False)
        self.D = nn.Linear(m, n, bias=False)
        self.threshold = nn.Parameter(torch.tensor(0.1))
        self.iters = iters

    def forward(self, y):
        b = self.W(y)
        z = SoftShrink.apply(b, self.threshold)
        for _ in range(self.iters):
            z = SoftShrink.apply(b + self.S(z), self.threshold)
        return self.D(z), z


net = LISTA()
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
for it in range(6):
    y = torch.randn(32, 10)
    rec, z = net(y)
    loss = F.mse_loss(rec, y) + 0.01 * z.abs().mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(it, loss.item(), net.threshold.item())
