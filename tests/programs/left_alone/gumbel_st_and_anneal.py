"""Hard Gumbel-softmax categorical latents with annealed temperature, and a sign() layer with a clipped STE."""
import torch
import torch.nn as nn
import torch.nn.functional as F


class BinarizeSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.where(x >= 0, 1.0, -1.0)

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * (x.abs() <= 1).to(grad.dtype)


class Model(nn.Module):
    def __init__(self, groups=4, k=5):
        super().__init__()
        self.groups, self.k = groups, k
        self.inp = nn.Linear(10, 16)
        self.norm = nn.LayerNorm(16)
        self.to_logits = nn.Linear(16, groups * k)
        self.codes = nn.Parameter(torch.randn(groups, k, 3) * 0.5)
        self.out = nn.Linear(groups * 3, 10)

    def forward(self, x, tau):
        h = BinarizeSTE.apply(self.norm(self.inp(x)))
        logits = self.to_logits(h).view(-1, self.groups, self.k)
        onehot = F.gumbel_softmax(logits, tau=tau, hard=self.training, dim=-1)
        z = torch.einsum("bgk,gkd->bgd", onehot, self.codes).flatten(1)
        probs = logits.softmax(-1).mean(0)
        return self.out(z), probs


torch.manual_seed(27)
m = Model()
opt = torch.optim.NAdam(m.parameters(), lr=5e-3)
x = torch.randn(200, 10)
for t in range(15):
    b = x[torch.randint(0, 200, (50,))]
    rec, probs = m(b, tau=max(0.5, 2.0 * 0.9 ** t))
    diversity = (probs * (probs + 1e-8).log()).sum(-1).mean()
    loss = F.mse_loss(rec, b) + 0.05 * diversity
    m.zero_grad(set_to_none=True)
    loss.backward()
    opt.step()
    if t % 5 == 0:
        print(t, loss.item(), diversity.item())
