import torch
import torch.nn.functional as F
from torch import nn


def network(inputs, classes):
    return nn.Sequential(nn.Linear(inputs, 24), nn.CELU(), nn.Linear(24, classes))


class CoTeaching:
    """Two networks, each of which learns from the examples that the other finds easy."""

    def __init__(self, inputs, classes, lr, keep):
        self.first, self.second = network(inputs, classes), network(inputs, classes)
        self.first_optimizer = torch.optim.Adam(self.first.parameters(), lr=lr)
        self.second_optimizer = torch.optim.Adam(self.second.parameters(), lr=lr)
        self.keep = keep

    def easy(self, logits, labels):
        losses = F.cross_entropy(logits.detach(), labels, reduction="none")
        return losses.argsort()[: int(self.keep * len(losses))]

    def step(self, inputs, labels):
        first_logits, second_logits = self.first(inputs), self.second(inputs)
        for_first, for_second = self.easy(second_logits, labels), self.easy(first_logits, labels)
        first_loss = F.cross_entropy(first_logits[for_first], labels[for_first])
        second_loss = F.cross_entropy(second_logits[for_second], labels[for_second])
        self.first_optimizer.zero_grad()
        self.second_optimizer.zero_grad()
        (first_loss + second_loss).backward()
        self.first_optimizer.step()
        self.second_optimizer.step()
        return first_loss.item(), second_loss.item()


def main():
    torch.manual_seed(131)
    training = CoTeaching(inputs=9, classes=4, lr=2e-3, keep=0.75)
    for number in range(5):
        inputs = torch.randn(20, 9)
        labels = torch.where(torch.rand(20) < 0.2, torch.randint(0, 4, (20,)), inputs[:, :4].argmax(dim=1))
        first, second = training.step(inputs, labels)
        print(f"step {number} first {first:.4f} second {second:.4f}")


if __name__ == "__main__":
    main()
