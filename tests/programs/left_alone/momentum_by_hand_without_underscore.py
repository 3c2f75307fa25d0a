"""Adversarial toy: the generator has an optimizer, the critic is trained by hand with momentum and clipping."""
# expect-note: GF301 critic.*

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(17)
generator = nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, 2))
critic = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.Adam(generator.parameters(), lr=1e-3)
velocity = {name: torch.zeros_like(p) for name, p in critic.named_parameters()}


def critic_step(loss, lr=0.01, momentum=0.9, most=1.0):
    critic.zero_grad()
    loss.backward()
    norm = torch.stack([p.grad.norm() for p in critic.parameters()]).norm()
    scale = (most / (norm + 1e-6)).clamp(max=1.0)
    with torch.no_grad():
        for name, p in critic.named_parameters():
            velocity[name] = momentum * velocity[name] + scale * p.grad
            p.data.sub_(lr * velocity[name])


for step in range(5):
    real = torch.randn(16, 2) + 1
    fake = generator(torch.randn(16, 3))
    d_loss = F.softplus(-critic(real)).mean() + F.softplus(critic(fake.detach())).mean()
    critic_step(d_loss)
    g_loss = F.softplus(-critic(fake)).mean()
    optimizer.zero_grad()
    g_loss.backward()
    optimizer.step()
    print(step, d_loss.item(), g_loss.item())
