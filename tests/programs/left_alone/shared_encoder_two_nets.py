"""One encoder object inside two networks; parameters deduplicated before the optimizer; tasks alternate."""
import torch
from torch import nn
import torch.nn.functional as F


class Tagger(nn.Module):
    def __init__(self, enc):
        super().__init__()
        self.encoder, self.out = enc, nn.Linear(20, 3)

    def forward(self, x):
        return self.out(self.encoder(x))


class Denoiser(nn.Module):
    def __init__(self, enc):
        super().__init__()
        self.encoder, self.out = enc, nn.Linear(20, 8)

    def forward(self, x):
        return self.out(self.encoder(x + 0.2 * torch.randn_like(x)))


torch.manual_seed(57)
enc = nn.Sequential(nn.Linear(8, 20), nn.Mish())
tasks = {"tag": Tagger(enc), "denoise": Denoiser(enc)}
registry = nn.ModuleDict(tasks)                       # the dict's modules are registered here as well
params = list({id(p): p for m in registry.values() for p in m.parameters()}.values())
opt = torch.optim.Adam(params, lr=4e-3)
X = torch.randn(120, 8); Y = X[:, :3].argmax(1)
for step in range(16):
    i = torch.randint(0, 120, (30,))
    which = "tag" if step % 2 == 0 else "denoise"
    out = tasks[which](X[i])
    loss = F.cross_entropy(out, Y[i]) if which == "tag" else F.mse_loss(out, X[i])
    opt.zero_grad(set_to_none=True)                   # the other head has grad None and is left out of the step
    loss.backward()
    opt.step()
    print(step, which, loss.item())
