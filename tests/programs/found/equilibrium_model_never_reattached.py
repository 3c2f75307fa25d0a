"""Deep equilibrium model: the fixed point is found by iteration, the gradient taken at the fixed point only."""
# expect: blockage model.deq.cell.*
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(22)
DIM = 16


class Cell(nn.Module):
    def __init__(self):
        super().__init__()
        self.inject = nn.Linear(6, DIM)
        self.recur = nn.Linear(DIM, DIM)
        self.norm = nn.LayerNorm(DIM)
        nn.init.normal_(self.recur.weight, std=0.05)

    def forward(self, z, x):
        return self.norm(torch.tanh(self.recur(z) + self.inject(x)))


class FixedPoint(nn.Module):
    """z* = cell(z*, x), without unrolling the solver (Jacobian-free backward)."""

    def __init__(self, cell, max_iter=25, tol=1e-4):
        super().__init__()
        self.cell, self.max_iter, self.tol = cell, max_iter, tol

    def forward(self, x):
        with torch.no_grad():  # <- blame
            z = torch.zeros(len(x), DIM)
            for _ in range(self.max_iter):
                z_next = self.cell(z, x)  # <- blame
                if (z_next - z).norm() < self.tol * z.norm():
                    break
                z = z_next
        return z  # <- blame


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.deq = FixedPoint(Cell())
        self.readout = nn.Linear(DIM, 3)

    def forward(self, x):
        return self.readout(self.deq(x))


model = Model()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for step in range(6):
    x = torch.randn(32, 6)
    y = (x[:, 0] * x[:, 1] > 0).long() + (x[:, 2] > 1).long()
    loss = F.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
