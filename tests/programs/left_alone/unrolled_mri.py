import torch
import torch.nn as nn
import torch.nn.functional as F


class GradientStepPrior(nn.Module):
    """The prior is the gradient of a scalar potential (gradient-step denoiser)."""

    def __init__(self, width=6):
        super().__init__()
        self.student = nn.Sequential(nn.Conv2d(1, width, 3, padding=1), nn.ELU(), nn.Conv2d(width, 1, 3, padding=1))

    def potential_grad(self, x):
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            n = self.student(x)
            g = 0.5 * ((x - n) ** 2).sum()
            grad = torch.autograd.grad(g, x)[0]
        return grad.detach()


class Measurement:
    def __init__(self, keep):
        self.keep = keep

    def data_grad(self, x, y):
        torch.set_grad_enabled(True)
        return self.keep * (x - y)


class UnrolledSolver(nn.Module):
    def __init__(self, prior, physics):
        super().__init__()
        self.init_net = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 3, padding=1))
        self.refine = nn.Sequential(nn.Conv2d(2, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 3, padding=1))
        self.prior = prior
        self.physics = physics

    def forward(self, y):
        x0 = self.init_net(y)
        step = self.prior.potential_grad(x0)
        update = self.refine(torch.cat([x0, step], 1))
        return x0 + update - 0.5 * self.physics.data_grad(x0, y)


def train_epoch(solver, optimizer, data, keep):
    for clean in data:
        y = keep * (clean + 0.05 * torch.randn_like(clean))
        loss = F.l1_loss(solver(y), clean)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


torch.manual_seed(8)
keep = (torch.rand(10, 10) < 0.6).float()
prior = GradientStepPrior()
prior.student.requires_grad_(False)
solver = UnrolledSolver(prior, Measurement(keep))
optimizer = torch.optim.Adam([p for p in solver.parameters() if p.requires_grad], lr=2e-3)
data = [torch.rand(4, 1, 10, 10) for _ in range(3)]
for epoch in range(2):
    print(f"epoch {epoch} loss {train_epoch(solver, optimizer, data, keep):.6f}")
