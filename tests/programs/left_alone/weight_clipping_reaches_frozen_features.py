# expect-note: GF301 self.critic.score.*
import torch
from torch import nn


class Critic(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.features = features
        self.score = nn.Sequential(nn.Linear(16, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1, bias=False))

    def forward(self, x):
        return self.score(self.features(x))


class WassersteinTrainer:
    def __init__(self, features, latent=4, clip=0.05):
        features.requires_grad_(False)
        self.critic = Critic(features)
        self.generator = nn.Sequential(nn.Linear(latent, 24), nn.SiLU(), nn.Linear(24, 8))
        self.latent, self.clip = latent, clip
        trainable = [p for p in self.critic.parameters() if p.requires_grad]
        self.critic_opt = torch.optim.RMSprop(trainable, lr=5e-4)
        self.generator_opt = torch.optim.RMSprop(self.generator.parameters(), lr=5e-4)

    def critic_step(self, real):
        fake = self.generator(torch.randn(len(real), self.latent)).detach()
        loss = self.critic(fake).mean() - self.critic(real).mean()
        self.critic_opt.zero_grad()
        loss.backward()
        self.critic_opt.step()
        for p in self.critic.score.parameters():
            p.data.clamp_(-self.clip, self.clip)
        return -loss.item()

    def generator_step(self, n):
        loss = -self.critic(self.generator(torch.randn(n, self.latent))).mean()
        self.generator_opt.zero_grad()
        loss.backward()
        self.generator_opt.step()


def main():
    torch.manual_seed(40)
    features = nn.Sequential(nn.Linear(8, 16), nn.LeakyReLU(0.2), nn.Linear(16, 16))
    trainer = WassersteinTrainer(features)
    for iteration in range(5):
        distance = trainer.critic_step(torch.randn(32, 8) * 0.5 + 1)
        trainer.generator_step(32)
        print(f"iteration {iteration} distance {distance:.5f}")


if __name__ == "__main__":
    main()
