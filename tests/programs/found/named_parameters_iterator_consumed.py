# expect: blockage *adapter_*
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(88)


class AdapterBlock(nn.Module):
    def __init__(self, d=12, r=3):
        super().__init__()
        self.ff = nn.Sequential(nn.Linear(d, d), nn.ReLU())
        self.adapter_down, self.adapter_up = nn.Linear(d, r), nn.Linear(r, d)
        self.norm = nn.LayerNorm(d)

    def forward(self, x):
        h = self.ff(x)
        return self.norm(x + h + self.adapter_up(torch.tanh(self.adapter_down(h))))


model = nn.Sequential(AdapterBlock(), AdapterBlock(), nn.Linear(12, 2))
for n, p in model.named_parameters():
    p.requires_grad = "adapter_" in n or n.startswith("2.")

adapter_params = (p for n, p in model.named_parameters() if "adapter_" in n)  # <- blame
print("adapter weights:", sum(p.numel() for p in adapter_params))  # <- blame
optimizer = torch.optim.AdamW([
    {"params": model[2].parameters(), "lr": 1e-2},
    {"params": adapter_params, "lr": 2e-3},  # <- blame
])
for step in range(6):
    x = torch.randn(24, 12)
    y = (x[:, 0] * x[:, 1] > 0).long()
    loss = F.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
