"""SimSiam with stop-gradient; memory bank of features used only for kNN evaluation; predictor at fixed lr."""
import torch
from torch import nn
import torch.nn.functional as F


class SimSiam(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(10, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU())
        self.projector = nn.Sequential(nn.Linear(32, 16), nn.BatchNorm1d(16, affine=False))
        self.projector[0].bias.requires_grad = False      # hack in the original: not used, it is followed by BN
        self.predictor = nn.Sequential(nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 16))

    def forward(self, a, b):
        za, zb = self.projector(self.backbone(a)), self.projector(self.backbone(b))
        return self.predictor(za), self.predictor(zb), za.detach(), zb.detach()

    @torch.no_grad()
    def embed(self, x):
        self.eval()
        z = F.normalize(self.backbone(x), dim=1)
        self.train()
        return z


torch.manual_seed(60)
m = SimSiam()
base = [p for n, p in m.named_parameters() if p.requires_grad and not n.startswith("predictor")]
opt = torch.optim.SGD([
    {"params": base, "fix_lr": False},
    {"params": m.predictor.parameters(), "fix_lr": True}], lr=0.05, momentum=0.9)
X = torch.randn(128, 10); Y = (X[:, 0] > 0).long(); X[:, 0] *= 3
for epoch in range(4):
    for g in opt.param_groups:
        g["lr"] = 0.05 if g["fix_lr"] else 0.05 * (1 - epoch / 4)
    for i in torch.randperm(128).split(32):
        v = [X[i] + 0.2 * torch.randn(32, 10) for _ in range(2)]
        pa, pb, za, zb = m(*v)
        loss = -0.5 * (F.cosine_similarity(pa, zb).mean() + F.cosine_similarity(pb, za).mean())
        opt.zero_grad()
        loss.backward()
        opt.step()
    bank = m.embed(X)
    nn_idx = (bank @ bank.T).fill_diagonal_(-2).argmax(1)
    print(epoch, loss.item(), (Y[nn_idx] == Y).float().mean().item())
