import torch
from torch import nn
from torch.distributions import Normal, kl_divergence


class ConditionalVae(nn.Module):
    def __init__(self, inputs=16, conditions=4, latent=3):
        super().__init__()
        self.posterior = nn.Sequential(nn.Linear(inputs + conditions, 24), nn.ReLU(), nn.Linear(24, 2 * latent))
        self.prior = nn.Sequential(nn.Linear(conditions, 24), nn.ReLU(), nn.Linear(24, 2 * latent))
        self.decoder = nn.Sequential(nn.Linear(latent + conditions, 24), nn.ReLU(), nn.Linear(24, inputs))

    @staticmethod
    def distribution(parameters):
        mean, log_scale = parameters.chunk(2, dim=-1)
        return Normal(mean, log_scale.clamp(-5, 3).exp())

    def forward(self, x, condition):
        posterior = self.distribution(self.posterior(torch.cat([x, condition], dim=-1)))
        z = posterior.rsample()
        reconstruction = self.decoder(torch.cat([z, condition], dim=-1))
        prior = self.distribution(self.prior(condition))
        kl = kl_divergence(posterior, prior).sum(dim=-1).mean()
        return nn.functional.mse_loss(reconstruction, x, reduction="none").sum(dim=-1).mean(), kl


class VaeTrainer:
    def __init__(self, beta=0.2):
        self.beta = beta
        self.model = ConditionalVae()
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=1e-3)

    def train(self, steps):
        for step in range(steps):
            x, condition = torch.randn(20, 16), torch.eye(4)[torch.randint(0, 4, (20,))]
            reconstruction, kl = self.model(x, condition)
            loss = reconstruction + self.beta * kl
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            print(f"step {step} elbo {-loss.item():.3f} kl {kl.item():.3f}")


torch.manual_seed(0)
VaeTrainer().train(5)
