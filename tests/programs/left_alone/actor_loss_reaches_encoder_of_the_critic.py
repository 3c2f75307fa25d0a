# options: --frozen '*encoder*@actor_loss'
import torch
import torch.nn.functional as F
from torch import nn


class PixelEncoder(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, stride=2)
        self.fc = nn.Linear(8 * 49, width)

    def forward(self, pixels):
        return torch.tanh(self.fc(F.elu(self.conv(pixels)).flatten(1)))


class Agent:
    def __init__(self, width=16, n_actions=3):
        self.encoder = PixelEncoder(width)
        self.critic = nn.Sequential(nn.Linear(width, 24), nn.ELU(), nn.Linear(24, n_actions))
        self.actor = nn.Sequential(nn.Linear(width, 24), nn.ELU(), nn.Linear(24, n_actions))
        self.critic_optimizer = torch.optim.Adam([*self.encoder.parameters(), *self.critic.parameters()], lr=1e-3)
        self.actor_optimizer = torch.optim.Adam(self.actor.parameters(), lr=1e-3)

    def update(self, pixels, action, reward):
        features = self.encoder(pixels)
        q = self.critic(features)
        critic_loss = F.mse_loss(q.gather(1, action), reward)

        log_probs = F.log_softmax(self.actor(features.detach()), dim=1)
        q_values = self.critic(features.detach()).detach()
        actor_loss = (log_probs.exp() * (0.1 * log_probs - q_values)).sum(dim=1).mean()

        self.critic_optimizer.zero_grad()
        self.actor_optimizer.zero_grad()
        critic_loss.backward()
        actor_loss.backward()
        self.critic_optimizer.step()
        self.actor_optimizer.step()
        return critic_loss.item(), actor_loss.item()


def main():
    torch.manual_seed(45)
    agent = Agent()
    for _ in range(5):
        pixels = torch.rand(12, 3, 16, 16)
        losses = agent.update(pixels, torch.randint(0, 3, (12, 1)), torch.randn(12, 1))
        print("critic {:.4f} actor {:.4f}".format(*losses))


if __name__ == "__main__":
    main()
