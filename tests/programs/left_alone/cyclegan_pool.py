"""CycleGAN with image pools, identity term, and discriminators switched off during the generator step."""
import itertools, random
import torch
import torch.nn as nn


class ImagePool:
    def __init__(self, size):
        self.size, self.items = size, []

    def query(self, batch):
        out = []
        for x in batch.detach():
            x = x.unsqueeze(0)
            if len(self.items) < self.size:
                self.items.append(x); out.append(x)
            elif random.random() > 0.5:
                k = random.randrange(self.size)
                out.append(self.items[k].clone()); self.items[k] = x
            else:
                out.append(x)
        return torch.cat(out)


random.seed(0); torch.manual_seed(24)
net = lambda o: nn.Sequential(nn.Linear(4, 24), nn.ReLU(), nn.Linear(24, o))
G_AB, G_BA, D_A, D_B = net(4), net(4), net(1), net(1)
opt_G = torch.optim.Adam(itertools.chain(G_AB.parameters(), G_BA.parameters()), lr=2e-3, betas=(0.5, 0.999))
opt_D = torch.optim.Adam(itertools.chain(D_A.parameters(), D_B.parameters()), lr=2e-3, betas=(0.5, 0.999))
decay = [torch.optim.lr_scheduler.LambdaLR(o, lambda e: 1.0 - max(0, e - 4) / 5) for o in (opt_G, opt_D)]
pool_A, pool_B = ImagePool(20), ImagePool(20)
mse, l1 = nn.MSELoss(), nn.L1Loss()
ones, zeros = torch.ones(16, 1), torch.zeros(16, 1)
for epoch in range(8):
    real_A, real_B = torch.randn(16, 4), torch.rand(16, 4) * 2
    for d in (D_A, D_B):
        for p in d.parameters():
            p.requires_grad_(False)
    opt_G.zero_grad()
    fake_B, fake_A = G_AB(real_A), G_BA(real_B)
    loss_G = mse(D_B(fake_B), ones) + mse(D_A(fake_A), ones)
    loss_G = loss_G + 10 * (l1(G_BA(fake_B), real_A) + l1(G_AB(fake_A), real_B))
    loss_G = loss_G + 5 * (l1(G_AB(real_B), real_B) + l1(G_BA(real_A), real_A))
    loss_G.backward()
    opt_G.step()

    for d in (D_A, D_B):
        for p in d.parameters():
            p.requires_grad_(True)
    opt_D.zero_grad()
    loss_D = 0
    for D, real, fake, pool in ((D_A, real_A, fake_A, pool_A), (D_B, real_B, fake_B, pool_B)):
        l = 0.5 * (mse(D(real), ones) + mse(D(pool.query(fake)), zeros))
        l.backward()
        loss_D += l.item()
    opt_D.step()
    for s in decay:
        s.step()
    print(epoch, loss_G.item(), loss_D)
