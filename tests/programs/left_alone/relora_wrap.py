import math

import torch
import torch.nn as nn
import torch.nn.functional as F


class ReLoRaLinear(nn.Module):
    def __init__(self, base: nn.Linear, r=4, alpha=8):
        super().__init__()
        self.base = base
        self.lora_A = nn.Linear(base.in_features, r, bias=False)
        self.lora_B = nn.Linear(r, base.out_features, bias=False)
        nn.init.kaiming_uniform_(self.lora_A.weight, a=math.sqrt(5))
        nn.init.zeros_(self.lora_B.weight)
        self.scaling = alpha / r
        self.base.weight.requires_grad = False

    def forward(self, x):
        return self.base(x) + self.lora_B(self.lora_A(x)) * self.scaling

    @torch.no_grad()
    def merge_and_reinit(self):
        self.base.weight += self.lora_B.weight @ self.lora_A.weight * self.scaling
        nn.init.kaiming_uniform_(self.lora_A.weight, a=math.sqrt(5))
        nn.init.zeros_(self.lora_B.weight)


class ReLoRaModel(nn.Module):
    def __init__(self, model, targets, keep_original_weights=True):
        super().__init__()
        self.wrapped = model
        for name, module in list(model.named_modules()):
            if not isinstance(module, nn.Linear) or not any(t in name for t in targets):
                continue
            wrapped = ReLoRaLinear(module)
            if keep_original_weights:
                nn.init.zeros_(wrapped.lora_B.weight)
            parent = model.get_submodule(name.rpartition(".")[0])
            setattr(parent, name.rpartition(".")[2], wrapped)

    def forward(self, x):
        return self.wrapped(x)


class Block(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.up_proj = nn.Linear(dim, 2 * dim)
        self.down_proj = nn.Linear(2 * dim, dim)

    def forward(self, x):
        return x + self.down_proj(F.silu(self.up_proj(self.norm(x))))


torch.manual_seed(3)
backbone = nn.Sequential(Block(12), Block(12), nn.Linear(12, 5))
model = ReLoRaModel(backbone, targets=["up_proj", "down_proj"])
optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=1e-2)

for step in range(6):
    x = torch.randn(24, 12)
    loss = F.cross_entropy(model(x), x[:, :5].argmax(1))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"update {step}: {loss.item():.4f}")
