# expect: blockage *encoder.*
import torch
from torch import nn
from torch.func import functional_call


class NoisyTrainer:
    """Trains through randomly perturbed encoder weights to find flat minima."""

    def __init__(self, encoder, head, scale=0.01):
        self.encoder = encoder
        self.head = head
        self.scale = scale
        self.optimizer = torch.optim.Adam([*encoder.parameters(), *head.parameters()], lr=1e-3)

    def perturbed(self):
        return {
            name: value + self.scale * torch.randn_like(value)
            for name, value in self.encoder.state_dict().items()  # <- blame
        }

    def train_step(self, x, y):
        features = functional_call(self.encoder, self.perturbed(), (x,))
        loss = nn.functional.cross_entropy(self.head(features), y)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss


def main():
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Linear(9, 20), nn.ReLU(), nn.Linear(20, 20), nn.ReLU())
    trainer = NoisyTrainer(encoder, nn.Linear(20, 2))
    for step in range(6):
        x = torch.randn(32, 9)
        loss = trainer.train_step(x, (x.sum(1) > 0).long())
        print(f"{step:03d} {loss.item():.4f}")


main()
