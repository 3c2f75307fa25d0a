# expect-note: GF301 D.*
import itertools
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(26)


class ProGen(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList([nn.Conv2d(4, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)])
        self.to_rgb = nn.Conv2d(8, 3, 1)

    def forward(self, z):
        h = z
        for b in self.blocks:
            h = F.interpolate(F.leaky_relu(b(h), 0.2), scale_factor=2)
        return self.to_rgb(h)


G = ProGen()
D = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(8 * 64, 1))

# phase 3: grow to 16x16, the two lower blocks are kept
old = list(itertools.chain.from_iterable(b.parameters() for b in G.blocks[:2]))
print("freezing", sum(p.numel() for p in old), "weights")
for p in old:
    p.requires_grad = False

opt_G = torch.optim.Adam([p for p in G.parameters() if p.requires_grad], lr=1e-3, betas=(0.0, 0.99))
opt_D = torch.optim.Adam(D.parameters(), lr=1e-3, betas=(0.0, 0.99))
for it in range(4):
    real = torch.rand(4, 3, 16, 16)
    z = torch.randn(4, 4, 2, 2)
    loss_D = F.softplus(-D(real)).mean() + F.softplus(D(G(z).detach())).mean()
    opt_D.zero_grad()
    loss_D.backward()
    opt_D.step()
    loss_G = F.softplus(-D(G(z))).mean()
    opt_G.zero_grad()
    loss_G.backward()
    opt_G.step()
    print(it, loss_D.item(), loss_G.item())
