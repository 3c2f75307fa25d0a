"""Energy-based model: negatives come from Langevin dynamics on the input, with the weights switched off meanwhile."""
import torch
import torch.nn as nn

torch.manual_seed(27)


class Energy(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, 32), nn.SiLU(), nn.Linear(32, 32), nn.SiLU(), nn.Linear(32, 1))

    def forward(self, x):
        return self.net(x).squeeze(1)


class Sampler:
    def __init__(self, energy, size=128):
        self.energy = energy
        self.buffer = torch.rand(size, 2) * 4 - 2

    def sample(self, n, steps=8, step_size=0.1):
        was_training = self.energy.training
        self.energy.eval()
        for p in self.energy.parameters():
            p.requires_grad = False
        pick = torch.randperm(len(self.buffer))[:n]
        x = self.buffer[pick].clone()
        fresh = torch.rand(n) < 0.05
        x[fresh] = torch.rand(int(fresh.sum()), 2) * 4 - 2
        x.requires_grad = True
        for _ in range(steps):
            self.energy(x).sum().backward()
            x.data.add_(x.grad, alpha=-step_size).add_(0.01 * torch.randn_like(x))
            x.grad.zero_()
        for p in self.energy.parameters():
            p.requires_grad = True
        self.energy.train(was_training)
        self.buffer[pick] = x.detach()
        return x.detach()


energy = Energy()
sampler = Sampler(energy)
optimizer = torch.optim.Adam(energy.parameters(), lr=1e-3, betas=(0.0, 0.999))
for step in range(5):
    angle = torch.rand(32) * 6.2832
    real = torch.stack([angle.cos(), angle.sin()], 1) + 0.05 * torch.randn(32, 2)
    fake = sampler.sample(32)
    e_real, e_fake = energy(real), energy(fake)
    loss = e_real.mean() - e_fake.mean() + 0.1 * (e_real**2 + e_fake**2).mean()
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(energy.parameters(), 0.1)
    optimizer.step()
    print(step, loss.item())
