from copy import deepcopy

import torch
import torch.nn as nn


class EMA:
    def __init__(self, model, decay=0.9):
        self.module = deepcopy(model).eval()
        self.module.requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, model):
        for ema_value, value in zip(self.module.state_dict().values(), model.state_dict().values(), strict=True):
            if value.dtype.is_floating_point:
                ema_value.lerp_(value, 1 - self.decay)
            else:
                ema_value.copy_(value)


class DiffusionTrainer:
    def __init__(self, steps=50):
        self.net = nn.Sequential(nn.Linear(3, 64), nn.BatchNorm1d(64), nn.SiLU(), nn.Linear(64, 2))
        self.ema = EMA(self.net)
        self.optimizer = torch.optim.AdamW(self.net.parameters(), lr=2e-3)
        self.alpha_bar = torch.cumprod(1 - torch.linspace(1e-4, 0.02, steps), dim=0)

    def loss(self, net, x):
        t = torch.randint(0, len(self.alpha_bar), (len(x),))
        a = self.alpha_bar[t].unsqueeze(1)
        noise = torch.randn_like(x)
        noisy = a.sqrt() * x + (1 - a).sqrt() * noise
        time = t.unsqueeze(1) / len(self.alpha_bar)
        return nn.functional.mse_loss(net(torch.cat([noisy, time], dim=1)), noise)

    def train_step(self, x):
        self.net.train()
        loss = self.loss(self.net, x)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.ema.update(self.net)
        return loss.item()

    @torch.no_grad()
    def validate(self, x):
        return self.loss(self.ema.module, x).item()


torch.manual_seed(0)
trainer = DiffusionTrainer()
for i in range(6):
    train_loss = trainer.train_step(torch.randn(64, 2))
    print(f"iter {i} train {train_loss:.4f} ema val {trainer.validate(torch.randn(64, 2)):.4f}")
