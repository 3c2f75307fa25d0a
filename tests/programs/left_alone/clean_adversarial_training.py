import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


class AdversarialTrainer:
    def __init__(self, model, epsilon=0.1, lr=0.05):
        self.model = model
        self.epsilon = epsilon
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)

    def fgsm(self, images, labels):
        images = images.clone().detach().requires_grad_(True)
        loss = self.criterion(self.model(images), labels)
        (gradient,) = torch.autograd.grad(loss, images)
        return (images + self.epsilon * gradient.sign()).clamp(0, 1).detach()

    def train_step(self, images, labels):
        self.model.eval()
        adversarial = self.fgsm(images, labels)
        self.model.train()
        self.optimizer.zero_grad()
        clean_loss = self.criterion(self.model(images), labels)
        adversarial_loss = self.criterion(self.model(adversarial), labels)
        loss = 0.5 * (clean_loss + adversarial_loss)
        loss.backward()
        self.optimizer.step()
        return clean_loss.item(), adversarial_loss.item()

    def robust_accuracy(self, loader):
        self.model.eval()
        hits = 0
        for images, labels in loader:
            adversarial = self.fgsm(images, labels)
            with torch.no_grad():
                hits += (self.model(adversarial).argmax(1) == labels).sum().item()
        return hits / len(loader.dataset)


torch.manual_seed(0)
dataset = TensorDataset(torch.rand(32, 1, 14, 14), torch.randint(0, 10, (32,)))
loader = DataLoader(dataset, batch_size=16)
network = nn.Sequential(
    nn.Conv2d(1, 8, 3, stride=2),
    nn.ReLU(),
    nn.Dropout(0.1),
    nn.Flatten(),
    nn.Linear(8 * 36, 32),
    nn.ReLU(),
    nn.Linear(32, 10),
)
trainer = AdversarialTrainer(network)
for epoch in range(3):
    for images, labels in loader:
        clean, adversarial = trainer.train_step(images, labels)
    print(f"epoch {epoch}: clean {clean:.3f} adv {adversarial:.3f} robust acc {trainer.robust_accuracy(loader):.2f}")
