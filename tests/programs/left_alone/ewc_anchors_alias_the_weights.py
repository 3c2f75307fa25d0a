"""Elastic weight consolidation: after task A, weights are anchored at their values while task B is learned."""
# options: --frozen 'ewc.anchor_*'
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(31)


def make_net():
    return nn.Sequential(nn.Linear(8, 24), nn.ReLU(), nn.Linear(24, 3))


def task(seed, n=64):
    g = torch.Generator().manual_seed(seed)
    rule = torch.randn(8, 3, generator=g)
    x = torch.randn(n, 8, generator=g)
    return x, (x @ rule).argmax(1)


class EWC(nn.Module):
    """Quadratic penalty around the weights of the former task, weighed by the diagonal Fisher information."""

    def __init__(self, net, data, strength=50.0):
        super().__init__()
        self.strength = strength
        fisher = self._fisher(net, data)
        for name, p in net.named_parameters():
            key = name.replace(".", "_")
            self.register_buffer("anchor_" + key, p.detach().clone())
            self.register_buffer("fisher_" + key, fisher[name])

    @staticmethod
    def _fisher(net, data):
        x, y = data
        parameters = dict(net.named_parameters())
        total = {name: torch.zeros_like(p) for name, p in parameters.items()}
        for xi, yi in zip(x[:16], y[:16]):
            nll = F.cross_entropy(net(xi.unsqueeze(0)), yi.unsqueeze(0))
            for (name, _), g in zip(parameters.items(), torch.autograd.grad(nll, list(parameters.values()))):
                total[name] += g**2 / 16
        return total

    def forward(self, net):
        penalty = 0.0
        for name, p in net.named_parameters():
            key = name.replace(".", "_")
            gap = p - getattr(self, "anchor_" + key)
            penalty = penalty + (getattr(self, "fisher_" + key) * gap**2).sum()
        return 0.5 * self.strength * penalty


net = make_net()
x_a, y_a = task(1)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for _ in range(2):
    loss_a = F.cross_entropy(net(x_a), y_a)
    optimizer.zero_grad()
    loss_a.backward()
    optimizer.step()

ewc = EWC(net, (x_a, y_a))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
x_b, y_b = task(2)
for step in range(5):
    loss_b = F.cross_entropy(net(x_b), y_b) + ewc(net)
    optimizer.zero_grad()
    loss_b.backward()
    optimizer.step()
    print(step, f"task B {loss_b.item():.4f}  penalty {ewc(net).item():.6f}")
