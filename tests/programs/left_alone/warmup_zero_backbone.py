"""Discriminative learning rates: the backbone's group waits at lr 0 while the head warms up, then joins."""
import math
import torch
import torch.nn as nn
from dataclasses import dataclass, field


@dataclass
class Config:
    seed: int = 4
    steps: int = 24
    hold: int = 8
    lr: dict = field(default_factory=lambda: {"backbone": 1e-3, "head": 1e-2})


def backbone_schedule(step, cfg):
    if step < cfg.hold:
        return 0.0
    t = (step - cfg.hold) / max(1, cfg.steps - cfg.hold)
    return 0.1 + 0.9 * math.sin(math.pi * t / 2)


def head_schedule(step, cfg):
    return min(1.0, step / 4)          # starts at exactly zero


def main(cfg):
    torch.manual_seed(cfg.seed)
    backbone = nn.Sequential(nn.Linear(10, 32), nn.SiLU(), nn.Linear(32, 32), nn.SiLU())
    head = nn.Linear(32, 1)
    opt = torch.optim.AdamW([
        {"params": backbone.parameters(), "lr": cfg.lr["backbone"], "name": "backbone"},
        {"params": head.parameters(), "lr": cfg.lr["head"], "name": "head"},
    ], weight_decay=1e-2)
    sched = torch.optim.lr_scheduler.LambdaLR(
        opt, [lambda s: backbone_schedule(s, cfg), lambda s: head_schedule(s, cfg)])
    x = torch.randn(256, 10)
    y = x[:, :3].prod(1, keepdim=True)
    for step in range(cfg.steps):
        i = torch.randint(0, 256, (32,))
        loss = nn.functional.mse_loss(head(backbone(x[i])), y[i])
        loss.backward()
        opt.step()
        opt.zero_grad()
        sched.step()
        if step % 6 == 0:
            print(step, f"{loss.item():.4f}", {g["name"]: round(g["lr"], 5) for g in opt.param_groups})


if __name__ == "__main__":
    main(Config())
