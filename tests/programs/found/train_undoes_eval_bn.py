# expect: leak *backbone*running_*
import torch
from torch import nn


class Finetuner:
    def __init__(self):
        self.net = nn.ModuleDict({
            "backbone": nn.Sequential(nn.Conv1d(2, 8, 3, bias=False), nn.BatchNorm1d(8), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten()),
            "head": nn.Sequential(nn.Dropout(0.1), nn.Linear(8, 2)),
        })
        self.net["backbone"].requires_grad_(False)
        self.net["backbone"].eval()
        self.opt = torch.optim.Adam(self.net["head"].parameters(), lr=1e-2)

    def epoch(self, x, y):
        self.net.train()  # <- blame
        for i in torch.randperm(len(x)).split(16):
            out = self.net["head"](self.net["backbone"](x[i]))
            loss = nn.functional.cross_entropy(out, y[i])
            self.opt.zero_grad()
            loss.backward()
            self.opt.step()
        return loss.item()

    @torch.no_grad()
    def evaluate(self, x, y):
        self.net.eval()
        return (self.net["head"](self.net["backbone"](x)).argmax(1) == y).float().mean().item()


torch.manual_seed(6)
x = torch.randn(64, 2, 10) + 1.5
y = (x[:, 0].mean(1) > 1.5).long()
ft = Finetuner()
for e in range(3):
    print(e, ft.epoch(x, y), ft.evaluate(x, y))
