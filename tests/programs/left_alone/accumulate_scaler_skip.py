"""Trainer with accumulation, CPU GradScaler, clip after unscale, and batches with a nonfinite loss left out."""
import math
import torch
from torch import nn
from dataclasses import dataclass


@dataclass
class Args:
    accum: int = 3
    steps: int = 19
    max_norm: float = 1.0
    lr: float = 3e-3


class Trainer:
    def __init__(self, model, data, args):
        self.model, self.data, self.args = model, data, args
        self.opt = torch.optim.AdamW(model.parameters(), lr=args.lr)
        self.scaler = torch.amp.GradScaler("cpu", init_scale=2.0 ** 10)
        self.sched = torch.optim.lr_scheduler.OneCycleLR(self.opt, args.lr, total_steps=args.steps // args.accum + 2)
        self.skipped = 0

    def batch(self, k):
        x, y = self.data
        i = torch.randint(0, len(x), (16,))
        xb = x[i].clone()
        if k == 7:
            xb[0, 0] = math.inf            # a broken record
        return xb, y[i]

    def fit(self):
        self.model.train()
        self.opt.zero_grad(set_to_none=True)
        good = 0
        for k in range(self.args.steps):
            x, y = self.batch(k)
            with torch.autocast("cpu", dtype=torch.bfloat16):
                loss = nn.functional.cross_entropy(self.model(x), y) / self.args.accum
            if not torch.isfinite(loss):
                self.skipped += 1
                continue
            self.scaler.scale(loss).backward()
            good += 1
            if good % self.args.accum:
                continue
            self.scaler.unscale_(self.opt)
            norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.args.max_norm)
            before = self.scaler.get_scale()
            self.scaler.step(self.opt)
            self.scaler.update()
            self.opt.zero_grad(set_to_none=True)
            if self.scaler.get_scale() >= before:
                self.sched.step()
            print(k, loss.item() * self.args.accum, norm.item())
        print("skipped", self.skipped)


torch.manual_seed(48)
X = torch.randn(100, 12)
net = nn.Sequential(nn.Linear(12, 32), nn.GELU(), nn.Linear(32, 3))
Trainer(net, (X, X[:, :3].argmax(1)), Args()).fit()
