import math

import torch
from torch import nn


class ReverseGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx, features, strength):
        ctx.strength = strength
        return features.view_as(features)

    @staticmethod
    def backward(ctx, gradient):
        return -ctx.strength * gradient, None


class DANN(nn.Module):
    def __init__(self, inputs=12, hidden=32, classes=3):
        super().__init__()
        self.features = nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU())
        self.label_head = nn.Linear(hidden, classes)
        self.domain_head = nn.Sequential(nn.Linear(hidden, 16), nn.ReLU(), nn.Linear(16, 2))

    def forward(self, x, strength):
        features = self.features(x)
        return self.label_head(features), self.domain_head(ReverseGradient.apply(features, strength))


class DomainAdaptation:
    def __init__(self, total_steps=6):
        self.model = DANN()
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.05, momentum=0.9)
        self.total_steps = total_steps

    def strength(self, step):
        progress = step / self.total_steps
        return 2.0 / (1.0 + math.exp(-10.0 * progress)) - 1.0

    def step(self, step, source, labels, target):
        strength = self.strength(step)
        class_logits, source_domain = self.model(source, strength)
        _, target_domain = self.model(target, strength)
        label_loss = nn.functional.cross_entropy(class_logits, labels)
        domains = torch.cat([torch.zeros(len(source)), torch.ones(len(target))]).long()
        domain_loss = nn.functional.cross_entropy(torch.cat([source_domain, target_domain]), domains)
        self.optimizer.zero_grad()
        (label_loss + domain_loss).backward()
        self.optimizer.step()
        return label_loss.item(), domain_loss.item()


if __name__ == "__main__":
    torch.manual_seed(0)
    adaptation = DomainAdaptation()
    for step in range(adaptation.total_steps):
        source, labels = torch.randn(16, 12), torch.randint(0, 3, (16,))
        target = torch.randn(16, 12) + 0.5
        label_loss, domain_loss = adaptation.step(step, source, labels, target)
        print(f"step {step}: label {label_loss:.3f} domain {domain_loss:.3f}")
