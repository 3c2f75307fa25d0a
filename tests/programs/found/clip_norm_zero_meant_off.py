# expect: blockage *model.*
from dataclasses import dataclass, field
import torch
import torch.nn as nn
import torch.nn.functional as F


@dataclass
class TrainCfg:
    lr: float = 0.05
    max_grad_norm: float = 0.0        # 0 = no clipping  # <- blame
    hidden: list = field(default_factory=lambda: [16, 16])
    steps: int = 6


def build(cfg):
    layers, d = [], 8
    for h in cfg.hidden:
        layers += [nn.Linear(d, h), nn.ReLU()]
        d = h
    return nn.Sequential(*layers, nn.Linear(d, 1))


def run(cfg):
    model = build(cfg)
    optimizer = torch.optim.SGD(model.parameters(), lr=cfg.lr)
    for step in range(cfg.steps):
        x = torch.randn(32, 8)
        y = x.pow(2).mean(1, keepdim=True)
        loss = F.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), cfg.max_grad_norm)  # <- blame
        optimizer.step()
        print(step, loss.item(), float(norm))


torch.manual_seed(51)
run(TrainCfg())
