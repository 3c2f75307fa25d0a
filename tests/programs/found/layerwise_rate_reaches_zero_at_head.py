# expect: blockage *model.head.*
import torch
import torch.nn.functional as F
from torch import nn


class Stack(nn.Module):
    def __init__(self, features=10, width=16, depth=3, classes=4):
        super().__init__()
        self.stem = nn.Linear(features, width)
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))
        self.head = nn.Linear(width, classes)

    def forward(self, x):
        x = torch.tanh(self.stem(x))
        for layer in self.layers:
            x = x + torch.tanh(layer(x))
        return self.head(x)


def layerwise_groups(model, lr):
    """Fine-tuning rates: the layers near the input move least, the head most."""
    parts = [model.stem, *model.layers, model.head]
    groups = []
    for depth, part in enumerate(parts):
        scale = 1 - (depth + 1) / len(parts)  # <- blame
        groups.append({"params": list(part.parameters()), "lr": lr * scale})
    return groups


def fine_tune(model, batches, lr=0.05):
    optimizer = torch.optim.SGD(layerwise_groups(model, lr), momentum=0.9)
    for number, group in enumerate(optimizer.param_groups):
        print(f"group {number} lr {group['lr']:.4f}")
    for step, (x, y) in enumerate(batches):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        print(f"step {step} loss {loss.item():.4f}")


if __name__ == "__main__":
    torch.manual_seed(71)
    fine_tune(Stack(), [(torch.randn(12, 10), torch.randint(0, 4, (12,))) for _ in range(5)])
