import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def make_model():
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.SiLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(8 * 36, 24), nn.Linear(24, 5)
    )


def pgd_attack(model, images, labels, epsilon=0.1, step_size=0.04, iterations=2):
    adversarial = (images + torch.empty_like(images).uniform_(-epsilon, epsilon)).detach()
    for _ in range(iterations):
        adversarial.requires_grad_(True)
        attack_loss = F.cross_entropy(model(adversarial), labels)
        (gradient,) = torch.autograd.grad(attack_loss, adversarial)
        with torch.no_grad():
            adversarial = adversarial + step_size * gradient.sign()
            adversarial = images + (adversarial - images).clamp(-epsilon, epsilon)
    return adversarial.detach()


def train(model, loader, optimizer):
    model.train()
    for images, labels in loader:
        optimizer.zero_grad()
        adversarial = pgd_attack(model, images, labels)
        loss = F.cross_entropy(model(adversarial), labels)
        loss.backward()
        optimizer.step()
        print(f"robust loss {loss.item():.4f}")


if __name__ == "__main__":
    torch.manual_seed(28)
    model = make_model()
    loader = DataLoader(TensorDataset(torch.rand(24, 1, 12, 12), torch.randint(0, 5, (24,))), batch_size=6)
    train(model, loader, torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9))
