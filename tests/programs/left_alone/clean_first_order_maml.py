import copy

import torch
from torch import nn


class MetaLearner:
    """First-order MAML: the gradient of the adapted copy is applied to the initial weights."""

    def __init__(self, classes=3, inner_lr=0.1, meta_lr=1e-2, inner_steps=2):
        self.network = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, classes))
        self.meta_optimizer = torch.optim.Adam(self.network.parameters(), lr=meta_lr)
        self.criterion = nn.CrossEntropyLoss()
        self.classes = classes
        self.inner_lr = inner_lr
        self.inner_steps = inner_steps

    def sample_task(self):
        centres = torch.randn(self.classes, 8)
        labels = torch.arange(self.classes).repeat(10)
        inputs = centres[labels] + 0.3 * torch.randn(len(labels), 8)
        return (inputs[:15], labels[:15]), (inputs[15:], labels[15:])

    def adapt(self, inputs, labels):
        learner = copy.deepcopy(self.network)
        optimizer = torch.optim.SGD(learner.parameters(), lr=self.inner_lr)
        for _ in range(self.inner_steps):
            optimizer.zero_grad()
            self.criterion(learner(inputs), labels).backward()
            optimizer.step()
        return learner

    def meta_step(self, tasks=3):
        self.meta_optimizer.zero_grad()
        total = 0.0
        for _ in range(tasks):
            support, (query_inputs, query_labels) = self.sample_task()
            learner = self.adapt(*support)
            query_loss = self.criterion(learner(query_inputs), query_labels)
            gradients = torch.autograd.grad(query_loss, list(learner.parameters()))
            for parameter, gradient in zip(self.network.parameters(), gradients, strict=True):
                share = gradient / tasks
                parameter.grad = share if parameter.grad is None else parameter.grad + share
            total += query_loss.item() / tasks
        self.meta_optimizer.step()
        return total


if __name__ == "__main__":
    torch.manual_seed(3)
    meta = MetaLearner()
    for iteration in range(4):
        print(f"iteration {iteration}: query loss {meta.meta_step():.3f}")
