import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(18)


class Staged(nn.Module):
    def __init__(self):
        super().__init__()
        self.stages = nn.ModuleList([nn.Linear(10, 20), nn.Linear(20, 20)])
        self.head = nn.Linear(20, 2)

    def forward(self, x):
        for stage in self.stages:
            x = torch.tanh(stage(x))
        return self.head(x)


model = Staged()
optimizer = torch.optim.RMSprop([*model.stages[1].parameters(), *model.head.parameters()], lr=1e-3, momentum=0.9)
optimizer.add_param_group({"params": model.stages[0].parameters(), "lr": 1e-4})

schedule = {0: True, 1: True, 2: False}
for step in range(6):
    if step in schedule:
        model.stages[0].requires_grad_(schedule[step])
        print("stage 0", "trainable" if schedule[step] else "frozen")
    x = torch.randn(16, 10)
    y = (x[:, 0] * x[:, 1] > 0).long()
    loss = F.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"step {step} loss {loss.item():.4f}")
