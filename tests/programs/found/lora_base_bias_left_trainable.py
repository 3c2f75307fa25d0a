# expect: leak *base.bias
import math
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(13)


class LoRALinear(nn.Module):
    def __init__(self, base, r=4, alpha=8):
        super().__init__()
        self.base = base
        self.base.weight.requires_grad_(False)  # <- blame
        self.A = nn.Parameter(torch.empty(r, base.in_features))
        self.B = nn.Parameter(torch.zeros(base.out_features, r))
        nn.init.kaiming_uniform_(self.A, a=math.sqrt(5))
        self.scale = alpha / r

    def forward(self, x):
        return self.base(x) + (x @ self.A.T @ self.B.T) * self.scale


class Block(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.q = LoRALinear(nn.Linear(d, d))
        self.v = LoRALinear(nn.Linear(d, d))

    def forward(self, x):
        att = torch.softmax(self.q(x) @ x.transpose(1, 2) / x.size(-1) ** 0.5, -1)
        return x + att @ self.v(x)


model = nn.Sequential(Block(12), Block(12))
params = [p for p in model.parameters() if p.requires_grad]
opt = torch.optim.AdamW(params, lr=5e-3)
for step in range(6):
    x = torch.randn(8, 5, 12)
    y = x.roll(1, dims=1)
    loss = F.mse_loss(model(x), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(step, loss.item())
