import torch
from torch import nn


class Adapted(nn.Module):
    def __init__(self, base, r=3):
        super().__init__()
        self.base = base.requires_grad_(False)
        self.lora_down = nn.Linear(base.in_features, r, bias=False)
        self.lora_up = nn.Linear(r, base.out_features, bias=False)
        nn.init.normal_(self.lora_down.weight, std=0.1)
        nn.init.zeros_(self.lora_up.weight)

    def forward(self, x):
        return self.base(x) + self.lora_up(self.lora_down(x))


torch.manual_seed(22)
model = nn.Sequential(Adapted(nn.Linear(6, 16)), nn.ReLU(), nn.Linear(16, 2))
opt = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=5e-3)
x = torch.randn(80, 6); y = (x[:, 0] > 0).long()
for step in range(10):
    i = torch.randint(0, 80, (20,))
    loss = nn.functional.cross_entropy(model(x[i]), y[i])
    opt.zero_grad()
    loss.backward()
    opt.step()
print(loss.item())
