# expect: blockage *heads*
import torch
import torch.nn as nn
import torch.nn.functional as F

TASKS = {"age": 1, "weight": 1, "position": 3}


class MultiTask(nn.Module):
    def __init__(self, inputs, width, tasks):
        super().__init__()
        self.shared = nn.Sequential(nn.Linear(inputs, width), nn.ELU(), nn.Linear(width, width), nn.ELU())
        self.heads = {name: nn.Linear(width, size) for name, size in tasks.items()}  # <- blame

    def forward(self, x):
        shared = self.shared(x)
        return {name: head(shared) for name, head in self.heads.items()}


def multi_task_loss(predictions, targets):
    return sum(F.mse_loss(predictions[name], targets[name]) for name in targets)


def train(model, batches, epochs=2):
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3, weight_decay=1e-5)
    for epoch in range(epochs):
        model.train()
        for inputs, targets in batches:
            optimizer.zero_grad()
            loss = multi_task_loss(model(inputs), targets)
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch}: {loss.item():.4f}")


def synthetic_batches(count, size):
    for _ in range(count):
        inputs = torch.randn(size, 7)
        yield inputs, {name: inputs[:, :width] * 2 + 0.1 * torch.randn(size, width) for name, width in TASKS.items()}


def main():
    torch.manual_seed(8)
    train(MultiTask(7, 24, TASKS), list(synthetic_batches(3, 12)))


main()
