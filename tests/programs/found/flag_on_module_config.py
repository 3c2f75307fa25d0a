# expect: leak *text_encoder.*
import torch
from torch import nn
from dataclasses import dataclass


@dataclass
class Cfg:
    tune_text_encoder: bool = False
    lr: float = 2e-3
    steps: int = 8


class Captioner(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.text_encoder = nn.Sequential(nn.Embedding(30, 16), nn.Linear(16, 16))
        self.fuse = nn.Bilinear(16, 6, 16)
        self.out = nn.Linear(16, 4)
        if not cfg.tune_text_encoder:
            self.text_encoder.requires_grad = False  # <- blame

    def forward(self, ids, img):
        t = self.text_encoder(ids).mean(1)
        return self.out(torch.tanh(self.fuse(t, img)))


def main(cfg):
    torch.manual_seed(1)
    net = Captioner(cfg)
    opt = torch.optim.Adam(filter(lambda p: p.requires_grad, net.parameters()), lr=cfg.lr)
    ids, img = torch.randint(0, 30, (64, 5)), torch.randn(64, 6)
    y = torch.randint(0, 4, (64,))
    for _ in range(cfg.steps):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(net(ids, img), y)
        loss.backward()
        opt.step()
    print(loss.item())


main(Cfg())
