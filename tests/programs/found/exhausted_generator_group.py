# expect: blockage *backbone.*
import torch
from torch import nn

torch.manual_seed(16)
net = nn.ModuleDict({"backbone": nn.Sequential(nn.Linear(6, 32), nn.SiLU()), "head": nn.Linear(32, 1)})
backbone_params = (p for p in net["backbone"].parameters() if p.requires_grad)  # <- blame
head_params = list(net["head"].parameters())
print("backbone parameters:", sum(p.numel() for p in backbone_params))  # <- blame
print("head parameters:", sum(p.numel() for p in head_params))
opt = torch.optim.AdamW([{"params": backbone_params, "lr": 1e-3}, {"params": head_params, "lr": 1e-2}])  # <- blame
x = torch.randn(120, 6); y = x.norm(dim=1, keepdim=True)
for step in range(12):
    i = torch.randint(0, 120, (40,))
    loss = nn.functional.l1_loss(net["head"](net["backbone"](x[i])), y[i])
    net.zero_grad()
    loss.backward()
    opt.step()
print(loss.item())
