# expect: blockage *model.shared.*
import torch
import torch.nn.functional as F
from torch import nn


class MultiTaskNet(nn.Module):
    def __init__(self, inputs=10, width=20, outputs=(2, 3, 4)):
        super().__init__()
        self.shared = nn.Sequential(nn.Linear(inputs, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh())
        self.tasks = nn.ModuleList(nn.Linear(width, size) for size in outputs)

    def forward(self, x):
        shared = self.shared(x)
        return [task(shared) for task in self.tasks]


class MultiTaskTrainer:
    """The shared layers get the mean of the tasks' gradients, each head its own."""

    def __init__(self, model, lr=0.1):
        self.model = model
        self.optimizer = torch.optim.SGD(model.parameters(), lr=lr)
        self.gradient_scale = 1 // len(model.tasks)  # <- blame
        for parameter in model.shared.parameters():
            parameter.register_hook(self.scale_gradient)

    def scale_gradient(self, gradient):
        return gradient * self.gradient_scale  # <- blame

    def train_step(self, inputs, labels):
        losses = [F.cross_entropy(output, label) for output, label in zip(self.model(inputs), labels, strict=True)]
        self.optimizer.zero_grad()
        sum(losses).backward()
        self.optimizer.step()
        return [round(loss.item(), 4) for loss in losses]


def main():
    torch.manual_seed(107)
    trainer = MultiTaskTrainer(MultiTaskNet())
    for step in range(5):
        labels = [torch.randint(0, size, (16,)) for size in (2, 3, 4)]
        print(step, trainer.train_step(torch.randn(16, 10), labels))


if __name__ == "__main__":
    main()
