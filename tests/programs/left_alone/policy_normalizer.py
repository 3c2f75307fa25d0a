import torch
import torch.nn as nn
import torch.nn.functional as F

# options: --frozen normalizer


class EmpiricalNormalization(nn.Module):
    """Running statistics of the observations; fixed in eval mode."""

    def __init__(self, dim, eps=1e-2):
        super().__init__()
        self.eps = eps
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("var", torch.ones(dim))
        self.register_buffer("count", torch.tensor(0.0))

    def forward(self, x):
        if self.training:
            self.update(x)
        return (x - self.mean) / (self.var.sqrt() + self.eps)

    @torch.no_grad()
    def update(self, x):
        if not self.training:
            return
        n = len(x)
        delta = x.mean(0) - self.mean
        total = self.count + n
        self.var.mul_(self.count).add_(n * x.var(0, unbiased=False) + delta ** 2 * self.count * n / total).div_(total)
        self.mean += delta * n / total
        self.count += n


class OffPolicyFinetuner:
    def __init__(self, policy, normalizer, lr):
        self.policy = policy
        self.normalizer = normalizer.eval()
        self.optimizer = torch.optim.Adam(policy.parameters(), lr=lr)

    def collect(self, generator):
        obs = torch.randn(64, 6, generator=generator) * 3 + 2
        self.normalizer.update(obs)
        return obs, torch.tanh(obs[:, :2])

    def learn(self, iterations, generator):
        for it in range(iterations):
            obs, expert = self.collect(generator)
            loss = F.mse_loss(self.policy(self.normalizer(obs)), expert)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            print(it, f"{loss.item():.5f}")


torch.manual_seed(10)
generator = torch.Generator().manual_seed(10)
normalizer = EmpiricalNormalization(6)
normalizer.update(torch.randn(500, 6, generator=generator))
policy = nn.Sequential(nn.Linear(6, 24), nn.ELU(), nn.Linear(24, 2))
OffPolicyFinetuner(policy, normalizer, 3e-3).learn(4, generator)
