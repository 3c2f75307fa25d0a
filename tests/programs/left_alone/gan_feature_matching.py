"""GAN with feature matching: real features detached; D flags toggled during the G step."""
import torch
from torch import nn
import torch.nn.functional as F

torch.manual_seed(20)


class D(nn.Module):
    def __init__(self):
        super().__init__()
        self.f1 = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2))
        self.f2 = nn.Sequential(nn.Linear(32, 32), nn.LeakyReLU(0.2))
        self.out = nn.Linear(32, 1)

    def forward(self, x):
        a = self.f1(x)
        b = self.f2(a)
        return self.out(b), [a, b]


def set_requires_grad(nets, flag):
    for net in nets if isinstance(nets, list) else [nets]:
        for p in net.parameters():
            p.requires_grad = flag


G = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 2))
disc = D()
oG = torch.optim.Adam(G.parameters(), 1e-3, betas=(0.5, 0.999))
oD = torch.optim.Adam(disc.parameters(), 1e-3, betas=(0.5, 0.999))
for it in range(12):
    real = torch.randn(64, 2) * 0.3 + torch.tensor([1.0, -1.0])
    fake = G(torch.randn(64, 4))

    set_requires_grad(disc, True)
    oD.zero_grad()
    lr_, _ = disc(real)
    lf_, _ = disc(fake.detach())
    loss_d = F.softplus(-lr_).mean() + F.softplus(lf_).mean()
    loss_d.backward()
    oD.step()

    set_requires_grad(disc, False)
    oG.zero_grad()
    adv, feats_f = disc(fake)
    _, feats_r = disc(real)
    fm = sum(F.l1_loss(f.mean(0), r.mean(0).detach()) for f, r in zip(feats_f, feats_r))
    loss_g = -adv.mean() + 2.0 * fm
    loss_g.backward()
    oG.step()
    if it % 4 == 0:
        print(it, loss_d.item(), loss_g.item(), fm.item())
