"""LoRA on chosen projections by wrapping; base frozen; merged for evaluation and unmerged for training."""
import math
import torch
import torch.nn as nn
import torch.nn.functional as F


class LoRALinear(nn.Module):
    def __init__(self, base, r=4, alpha=8):
        super().__init__()
        self.base = base
        for p in self.base.parameters():
            p.requires_grad = False
        self.lora_A = nn.Parameter(torch.empty(r, base.in_features))
        self.lora_B = nn.Parameter(torch.zeros(base.out_features, r))
        nn.init.kaiming_uniform_(self.lora_A, a=math.sqrt(5))
        self.scale, self.merged = alpha / r, False

    def train(self, mode=True):
        super().train(mode)
        if mode == self.merged:                      # train -> unmerge, eval -> merge
            sign = -1 if self.merged else 1
            with torch.no_grad():
                self.base.weight += sign * self.scale * self.lora_B @ self.lora_A
            self.merged = not self.merged
        return self

    def forward(self, x):
        y = self.base(x)
        return y if self.merged else y + self.scale * F.linear(F.linear(x, self.lora_A), self.lora_B)


def inject(model, targets):
    for name, mod in list(model.named_modules()):
        if isinstance(mod, nn.Linear) and name.rsplit(".", 1)[-1] in targets:
            parent = model.get_submodule(name.rsplit(".", 1)[0]) if "." in name else model
            setattr(parent, name.rsplit(".", 1)[-1], LoRALinear(mod))


class Block(nn.Module):
    def __init__(self, d=16):
        super().__init__()
        self.q_proj, self.k_proj, self.v_proj = nn.Linear(d, d), nn.Linear(d, d), nn.Linear(d, d)

    def forward(self, x):
        return x + F.scaled_dot_product_attention(self.q_proj(x), self.k_proj(x), self.v_proj(x))


torch.manual_seed(40)
model = nn.Sequential(Block(), Block(), nn.LayerNorm(16))
model.requires_grad_(False)
inject(model, {"q_proj", "v_proj"})
opt = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2)
x, y = torch.randn(64, 5, 16), torch.randn(64, 16)
for epoch in range(3):
    model.train()
    for i in torch.randperm(64).split(16):
        loss = F.mse_loss(model(x[i]).mean(1), y[i])
        opt.zero_grad()
        loss.backward()
        opt.step()
    model.eval()
    with torch.no_grad():
        print(epoch, loss.item(), F.mse_loss(model(x).mean(1), y).item())
