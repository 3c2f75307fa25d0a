import re

import torch
import torch.nn as nn
import torch.nn.functional as F

# options: --frozen model.assimilation


class Assimilation(nn.Module):
    def __init__(self, dim, cells):
        super().__init__()
        self.q_cells = nn.Parameter(torch.randn(1, cells, dim) * 0.2)
        self.local_adapter = nn.Linear(dim, dim)
        self.global_engine = nn.MultiheadAttention(dim, 2, batch_first=True)

    def forward(self, tokens):
        kv = self.local_adapter(tokens)
        cells, _ = self.global_engine(self.q_cells.expand(len(tokens), -1, -1), kv, kv)
        return cells


class Forecaster(nn.Module):
    def __init__(self, dim=12, cells=5, variables=4):
        super().__init__()
        self.embed = nn.Linear(variables, dim)
        self.assimilation = Assimilation(dim, cells)
        self.forecast_engine = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))
        self.pred_head = nn.Linear(dim, variables)

    def forward(self, obs):
        cells = self.assimilation(self.embed(obs))
        return self.pred_head(cells + self.forecast_engine(cells)).mean(1)


def freeze_weights(model, pattern):
    for name, block in model.named_modules():
        if re.fullmatch(pattern, name) is None:
            continue
        for p in block.parameters(recurse=False):
            p.requires_grad = False


torch.manual_seed(29)
model = Forecaster()
freeze_weights(model, r"embed|assimilation|assimilation\..+")
trainable = [p for p in model.parameters() if p.requires_grad]
optimizer = torch.optim.AdamW(trainable, lr=2e-3, weight_decay=0.02)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=5e-3, total_steps=6)
for istep in range(5):
    obs = torch.randn(6, 10, 4)
    loss = F.mse_loss(model(obs), obs.mean(1))
    loss.backward()
    nn.utils.clip_grad_norm_(trainable, 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    scheduler.step()
    print(f"{istep:03d} : {loss.item():.6f}")
