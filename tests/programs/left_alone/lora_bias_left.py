import torch
from torch import nn


class LoRA(nn.Module):
    def __init__(self, base: nn.Linear, r: int = 2):
        super().__init__()
        self.base = base
        self.base.requires_grad_(False)
        self.A = nn.Parameter(torch.randn(r, base.in_features) * 0.1)
        self.B = nn.Parameter(torch.zeros(base.out_features, r))

    def forward(self, x):
        return self.base(x) + x @ self.A.t() @ self.B.t()


torch.manual_seed(9)
pretrained = [nn.Linear(8, 16), nn.Linear(16, 16), nn.Linear(16, 1)]
model = nn.Sequential(LoRA(pretrained[0]), nn.SiLU(), LoRA(pretrained[1]), nn.SiLU(), LoRA(pretrained[2]))
opt = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=5e-3)
x = torch.randn(100, 8); y = x[:, :1].sin()
for step in range(10):
    i = torch.randint(0, 100, (20,))
    loss = nn.functional.mse_loss(model(x[i]), y[i])
    opt.zero_grad()
    loss.backward()
    opt.step()
print(loss.item())
