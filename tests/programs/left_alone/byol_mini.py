"""BYOL: online encoder + projector + predictor, target by EMA with cosine tau; BN statistics copied too."""
import copy, math
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(15)


class Branch(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(16, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU())
        self.projector = nn.Linear(32, 8)

    def forward(self, x):
        return self.projector(self.encoder(x))


class BYOL(nn.Module):
    def __init__(self):
        super().__init__()
        self.online = Branch()
        self.predictor = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 8))
        self.target = copy.deepcopy(self.online)
        for p in self.target.parameters():
            p.requires_grad = False

    @torch.no_grad()
    def momentum_update(self, tau):
        for o, t in zip(self.online.parameters(), self.target.parameters()):
            t.data = t.data * tau + o.data * (1 - tau)

    def forward(self, v1, v2):
        p1, p2 = self.predictor(self.online(v1)), self.predictor(self.online(v2))
        with torch.no_grad():
            t1, t2 = self.target(v1), self.target(v2)       # batch statistics of its own, as in the paper
        sim = lambda a, b: 2 - 2 * F.cosine_similarity(a, b.detach(), dim=-1)
        return (sim(p1, t2) + sim(p2, t1)).mean()


model = BYOL()
trainable = [*model.online.parameters(), *model.predictor.parameters()]
opt = torch.optim.SGD(trainable, lr=0.05, momentum=0.9, weight_decay=1e-4)
data = torch.randn(128, 16)
STEPS = 12
for k in range(STEPS):
    x = data[torch.randint(0, 128, (32,))]
    v1, v2 = x + 0.1 * torch.randn_like(x), x * (torch.rand_like(x) > 0.1)
    loss = model(v1, v2)
    opt.zero_grad()
    loss.backward()
    opt.step()
    model.momentum_update(1 - (1 - 0.97) * (math.cos(math.pi * k / STEPS) + 1) / 2)
    print(k, loss.item())
# linear probe on frozen features
feats = model.online.eval().requires_grad_(False).encoder
probe = nn.Linear(32, 2)
popt = torch.optim.LBFGS(probe.parameters(), max_iter=5)
with torch.no_grad():
    z = feats(data)
lab = (data[:, 0] > 0).long()


def closure():
    popt.zero_grad()
    l = F.cross_entropy(probe(z), lab)
    l.backward()
    return l


for _ in range(4):
    print("probe", popt.step(closure).item())
