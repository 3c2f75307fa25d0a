import torch
from torch import nn
import torch.nn.functional as F


class HyperLinear(nn.Module):
    """A linear layer whose weight is produced from a task embedding."""

    def __init__(self, inputs, outputs, task_width):
        super().__init__()
        self.inputs, self.outputs = inputs, outputs
        self.hypernet = nn.Sequential(nn.Linear(task_width, 32), nn.Tanh(), nn.Linear(32, inputs * outputs))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x, task):
        weight = self.hypernet(task).view(self.outputs, self.inputs)
        return F.linear(x, weight, self.bias)


class TaskModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.lift = nn.Linear(5, 12)
        self.adapt = HyperLinear(12, 12, task_width=3)
        self.out = nn.Linear(12, 1)

    def forward(self, x, task):
        return self.out(F.silu(self.adapt(F.silu(self.lift(x)), task)))


def main(steps: int = 6) -> None:
    torch.manual_seed(11)
    model = TaskModel()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    tasks = torch.eye(3)
    for step in range(steps):
        task = tasks[step % 3]
        x = torch.randn(24, 5)
        loss = F.mse_loss(model(x, task), (x[:, :3] @ task).unsqueeze(1))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        print("step", step, "loss", loss.item())


if __name__ == "__main__":
    main()
