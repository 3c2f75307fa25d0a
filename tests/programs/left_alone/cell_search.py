# expect-note: GF301 model.edges.?.ops.2.0.*
import torch
import torch.nn as nn
import torch.nn.functional as F

OPS = {
    "none": lambda c: Zero(),
    "skip": lambda c: nn.Identity(),
    "conv": lambda c: nn.Sequential(nn.Conv2d(c, c, 3, padding=1, bias=False), nn.BatchNorm2d(c, affine=False), nn.ReLU()),
    "pool": lambda c: nn.AvgPool2d(3, 1, 1),
}


class Zero(nn.Module):
    def forward(self, x):
        return x.mul(0.0)


class MixedOp(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.ops = nn.ModuleList(make(c) for make in OPS.values())

    def forward(self, x, weights):
        return sum(w * op(x) for w, op in zip(weights, self.ops))


class Network(nn.Module):
    def __init__(self, c=6, edges=3, classes=3):
        super().__init__()
        self.stem = nn.Conv2d(3, c, 3, padding=1)
        self.edges = nn.ModuleList(MixedOp(c) for _ in range(edges))
        self.classifier = nn.Linear(c, classes)
        self._arch_parameters = [(1e-3 * torch.randn(edges, len(OPS))).requires_grad_()]

    def arch_parameters(self):
        return self._arch_parameters

    def forward(self, x):
        x = self.stem(x)
        for edge, w in zip(self.edges, self._arch_parameters[0].softmax(-1)):
            x = edge(x, w)
        return self.classifier(x.mean((2, 3)))


class Architect:
    def __init__(self, model):
        self.model = model
        self.optimizer = torch.optim.Adam(model.arch_parameters(), lr=3e-3, betas=(0.5, 0.999), weight_decay=1e-3)

    def step(self, x, y):
        self.optimizer.zero_grad()
        F.cross_entropy(self.model(x), y).backward()
        self.optimizer.step()


def batch():
    x = torch.randn(8, 3, 6, 6)
    return x, x.mean((2, 3)).argmax(1)


torch.manual_seed(5)
model = Network()
architect = Architect(model)
optimizer = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9, weight_decay=3e-4)
for step in range(4):
    architect.step(*batch())
    x, y = batch()
    optimizer.zero_grad()
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 5)
    optimizer.step()
    print(step, f"{loss.item():.5f}", [round(v, 5) for v in model.arch_parameters()[0][0].tolist()])
