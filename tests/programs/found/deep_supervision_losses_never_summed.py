# expect: blockage *exits.[01].*
import torch
import torch.nn as nn
import torch.nn.functional as F


class EarlyExit(nn.Module):
    def __init__(self, d=16, n=3, classes=4):
        super().__init__()
        self.inp = nn.Linear(10, d)
        self.blocks = nn.ModuleList([nn.Sequential(nn.Linear(d, d), nn.ReLU()) for _ in range(n)])
        self.exits = nn.ModuleList([nn.Linear(d, classes) for _ in range(n)])

    def forward(self, x):
        h, outs = self.inp(x), []
        for block, exit_ in zip(self.blocks, self.exits):
            h = h + block(h)
            outs.append(exit_(h))
        return outs


def train(steps=6):
    model = EarlyExit()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for step in range(steps):
        x = torch.randn(32, 10)
        y = x[:, :4].argmax(1)
        losses = []  # <- blame
        for logits in model(x):
            loss = F.cross_entropy(logits, y)
            losses.append(loss)  # <- blame
        optimizer.zero_grad()
        loss.backward()  # <- blame
        optimizer.step()
        print(step, [round(l.item(), 3) for l in losses])


if __name__ == "__main__":
    torch.manual_seed(38)
    train()
