# expect-note: GF301 critic.0.weight*
"""WGAN-GP: n_critic inner iterations, penalty with create_graph, generator under no_grad in the critic loop."""
import torch
import torch.nn as nn
from torch import autograd

torch.manual_seed(21)
Z, LAMBDA, N_CRITIC = 3, 10.0, 3
gen = nn.Sequential(nn.Linear(Z, 32), nn.Tanh(), nn.Linear(32, 2))
critic = nn.Sequential(nn.Linear(2, 32), nn.Softplus(), nn.Linear(32, 1))
# the last bias of a critic cancels in E[D(fake)] - E[D(real)], so it has none
critic[2] = nn.Linear(32, 1, bias=False)
og = torch.optim.RMSprop(gen.parameters(), lr=5e-4)
oc = torch.optim.RMSprop(critic.parameters(), lr=5e-4)


def sample_real(n):
    t = torch.rand(n, 1) * 6.283
    return torch.cat([t.cos(), t.sin()], 1)


def gradient_penalty(real, fake):
    eps = torch.rand(real.size(0), 1)
    mid = (eps * real + (1 - eps) * fake).requires_grad_(True)
    out = critic(mid)
    grads, = autograd.grad(out, mid, grad_outputs=torch.ones_like(out), create_graph=True, retain_graph=True)
    return ((grads.norm(2, dim=1) - 1) ** 2).mean()


for it in range(6):
    for _ in range(N_CRITIC):
        real = sample_real(64)
        with torch.no_grad():
            fake = gen(torch.randn(64, Z))
        wd = critic(fake).mean() - critic(real).mean()
        loss = wd + LAMBDA * gradient_penalty(real, fake)
        critic.zero_grad()
        loss.backward()
        oc.step()
    gen.zero_grad()
    g_loss = -critic(gen(torch.randn(64, Z))).mean()
    g_loss.backward()
    og.step()
    print(f"[{it}] W {-wd.item():.4f} G {g_loss.item():.4f}")
