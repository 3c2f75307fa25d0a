"""Neural ODE with the adjoint method: the backward pass integrates the adjoint back in time."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(32)
STEPS = 6


class Adjoint(torch.autograd.Function):
    @staticmethod
    def forward(ctx, z, func, *params):
        h = 1.0 / STEPS
        with torch.no_grad():
            for _ in range(STEPS):
                z = z + h * func(z)
        ctx.func, ctx.h = func, h
        ctx.params = params
        ctx.save_for_backward(z)
        return z.clone()

    @staticmethod
    def backward(ctx, a):
        (z,) = ctx.saved_tensors
        g = [torch.zeros_like(p) for p in ctx.params]
        for _ in range(STEPS):
            with torch.enable_grad():
                z_ = z.detach().requires_grad_()
                f = ctx.func(z_)
                dz, *dp = torch.autograd.grad(f, [z_, *ctx.params], a)
            z, a = (z - ctx.h * f).detach(), a + ctx.h * dz
            g = [gi + ctx.h * di for gi, di in zip(g, dp)]
        return (a, None, *g)


class ODEBlock(nn.Module):
    def __init__(self, dynamics):
        super().__init__()
        self.dynamics = dynamics

    def forward(self, z):
        return Adjoint.apply(z, self.dynamics, *self.dynamics.parameters())


model = nn.Sequential(
    nn.Linear(3, 8),
    ODEBlock(nn.Sequential(nn.Linear(8, 24), nn.Tanh(), nn.Linear(24, 8))),
    nn.Linear(8, 2),
)
dynamics = model[1].dynamics
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for step in range(5):
    x = torch.randn(32, 3)
    y = (x.pow(2).sum(1) > 2.5).long()
    loss = F.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"{step}: {loss.item():.4f}")
