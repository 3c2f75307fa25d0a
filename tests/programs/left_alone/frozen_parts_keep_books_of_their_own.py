"""What a frozen network may write down as it runs: counts, a monitor, positions, keys and values, a bank, a state."""

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(5)
WIDTH, LENGTH, HEADS = 8, 6, 2


class CountedLinear(nn.Module):
    """Counts its calls and the samples it has seen."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.linear = nn.Linear(inputs, outputs)
        self.register_buffer("calls", torch.tensor(0))
        self.register_buffer("samples", torch.tensor(0.0))
        self.register_buffer("largest", torch.tensor(0.0))

    def forward(self, x):
        self.calls += 1
        self.samples += float(len(x))
        y = self.linear(x)
        self.largest.copy_(torch.maximum(self.largest, y.detach().abs().max()))
        return y


class CachedAttention(nn.Module):
    """One query at a time; keys and values of the earlier ones wait in a cache."""

    def __init__(self):
        super().__init__()
        self.project = nn.Linear(WIDTH, 3 * WIDTH)
        self.register_buffer("keys", torch.zeros(4, LENGTH, WIDTH), persistent=False)
        self.register_buffer("values", torch.zeros(4, LENGTH, WIDTH), persistent=False)
        self.register_buffer("positions", torch.zeros(LENGTH, WIDTH), persistent=False)

    def forward(self, x, at):
        self.positions[: at + 1] = torch.sin(torch.arange(at + 1.0)[:, None] / torch.arange(1.0, WIDTH + 1))
        q, k, v = self.project(x + self.positions[at]).chunk(3, -1)
        self.keys[:, at] = k.detach()
        self.values.index_copy_(1, torch.tensor([at]), v.detach()[:, None])
        weight = (q[:, None] @ self.keys[:, : at + 1].transpose(1, 2)).softmax(-1)
        return (weight @ self.values[:, : at + 1])[:, 0]


class Reservoir(nn.Module):
    """Fixed random recurrent network that goes on from where it was."""

    def __init__(self):
        super().__init__()
        self.inner, self.outer = nn.Linear(WIDTH, WIDTH, bias=False), nn.Linear(WIDTH, WIDTH)
        self.register_buffer("state", torch.zeros(4, WIDTH))

    def forward(self, x):
        self.state.copy_(torch.tanh(self.outer(x) + self.inner(self.state)).detach())
        return self.state.clone()


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = CountedLinear(5, WIDTH)
        self.attend = CachedAttention()
        self.reservoir = Reservoir()
        self.register_buffer("bank", F.normalize(torch.randn(16, WIDTH), dim=1))
        self.register_buffer("pointer", torch.tensor(0))

    def forward(self, tokens):
        read = []
        for at in range(tokens.shape[1]):
            read.append(self.attend(self.embed(tokens[:, at]), at))
        h = torch.stack(read, 1).mean(1) + self.reservoir(read[-1])
        here = int(self.pointer)
        near = h @ self.bank.t()
        self.bank[here : here + len(h)] = F.normalize(h, dim=1)
        self.pointer.fill_((here + len(h)) % len(self.bank))
        return torch.cat([h, near], 1)


reader = Reader()
reader.requires_grad_(False)
reader.eval()
head = nn.Linear(WIDTH + 16, 3)
optimizer = torch.optim.Adam(head.parameters(), lr=1e-2)

for step in range(5):
    tokens, label = torch.randn(4, LENGTH, 5), torch.randint(0, 3, (4,))
    loss = F.cross_entropy(head(reader(tokens)), label)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
