import copy
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(33)
online_net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 8))
target_net = copy.deepcopy(online_net)
target_net.requires_grad_(False)
predictor = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 8))
opt = torch.optim.Adam([*online_net.parameters(), *predictor.parameters()], lr=1e-3)


def regression_loss(p, z):
    return 2 - 2 * F.cosine_similarity(p, z, dim=-1).mean()


def augment(x):
    return x * (torch.rand_like(x) > 0.2) + 0.1 * torch.randn_like(x)


@torch.no_grad()
def ema(tau=0.98):
    for o, t in zip(online_net.parameters(), target_net.parameters()):
        t.lerp_(o, 1 - tau)


for step in range(6):
    x = torch.randn(32, 16)
    v1, v2 = augment(x), augment(x)
    p1, p2 = predictor(online_net(v1)), predictor(online_net(v2))
    with torch.no_grad():
        z1, z2 = target_net(v1), target_net(v2)
    loss = regression_loss(p1, z2) + regression_loss(p2, z1)
    opt.zero_grad()
    loss.backward()
    opt.step()
    ema()
    print(step, loss.item())
