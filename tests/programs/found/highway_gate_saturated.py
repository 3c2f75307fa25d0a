# expect: blockage *gate.*
import torch
from torch import nn


class Highway(nn.Module):
    def __init__(self, width, gate_bias):
        super().__init__()
        self.transform = nn.Linear(width, width)
        self.gate = nn.Linear(width, width)
        nn.init.constant_(self.gate.bias, gate_bias)  # <- blame

    def forward(self, x):
        t = torch.sigmoid(self.gate(x))  # <- blame
        return t * torch.tanh(self.transform(x)) + (1 - t) * x


class HighwayNet(nn.Module):
    def __init__(self, inputs=8, width=16, depth=2, gate_bias=100.0):  # <- blame
        super().__init__()
        self.inputs = nn.Linear(inputs, width)
        self.layers = nn.Sequential(*[Highway(width, gate_bias) for _ in range(depth)])
        self.outputs = nn.Linear(width, 2)

    def forward(self, x):
        return self.outputs(self.layers(self.inputs(x)))


def fit(model, batches, lr=1e-2):
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9, nesterov=True)
    for i, (x, y) in enumerate(batches):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        yield i, loss.item()


torch.manual_seed(0)
network = HighwayNet()
data = [(torch.randn(16, 8), torch.randint(0, 2, (16,))) for _ in range(5)]
for i, value in fit(network, data):
    print(f"batch {i}: {value:.4f}")
