import torch
from torch import nn


class MultiTask(nn.Module):
    def __init__(self, tasks):
        super().__init__()
        self.stem = nn.Sequential(nn.Linear(7, 24), nn.Tanh())
        self.heads = nn.ModuleDict({t: nn.Linear(24, k) for t, k in tasks.items()})

    def forward(self, x, task):
        return self.heads[task](self.stem(x))


def main():
    torch.manual_seed(17)
    tasks = {"shape": 3, "colour": 2}
    net = MultiTask(tasks)
    opt = torch.optim.Adam(net.parameters(), lr=3e-3)
    x = torch.randn(100, 7)
    ys = {"shape": x[:, :3].argmax(1), "colour": (x[:, 3] > 0).long()}
    for step in range(10):
        i = torch.randint(0, 100, (25,))
        loss = sum(nn.functional.cross_entropy(net(x[i], t), ys[t][i]) for t in tasks)
        opt.zero_grad()
        loss.backward()
        opt.step()
        print(step, loss.item())


if __name__ == "__main__":
    main()
