# expect: blockage *router.*
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(65)


class SwitchFFN(nn.Module):
    def __init__(self, d=10, n=3):
        super().__init__()
        self.router = nn.Linear(d, n)
        self.experts = nn.ModuleList([nn.Linear(d, d) for _ in range(n)])

    def forward(self, x):
        scores = self.router(x).softmax(-1)
        gate = F.one_hot(scores.argmax(-1), scores.size(-1)).to(x.dtype)  # <- blame
        out = torch.stack([torch.relu(e(x)) for e in self.experts], 1)
        return x + torch.einsum("bn,bnd->bd", gate, out)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.ffn1, self.ffn2 = SwitchFFN(), SwitchFFN()
        self.out = nn.Linear(10, 2)

    def forward(self, x):
        return self.out(self.ffn2(self.ffn1(x)))


def main():
    net = Model()
    opt = torch.optim.Adam(net.parameters(), lr=3e-3)
    for it in range(6):
        x = torch.randn(96, 10)
        y = (x[:, 0] * x[:, 1] > 0).long()
        loss = F.cross_entropy(net(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        print(it, loss.item())


main()
