# expect: blockage *layers.[012].*
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(48)


class Encoder(nn.Module):
    def __init__(self, d=16, n=4):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(d, d) for _ in range(n)])
        self.head = nn.Linear(d, 3)

    def forward(self, x):
        for layer in self.layers:
            x = x + torch.tanh(layer(x))
        return self.head(x)


def layerwise_groups(model, base_lr):
    """deeper layers learn faster"""
    n = len(model.layers)
    groups = [{"params": model.head.parameters(), "lr": base_lr}]
    for i, layer in enumerate(model.layers):
        groups.append({"params": layer.parameters(), "lr": base_lr * ((i + 1) // n)})  # <- blame
    return groups


model = Encoder()
optimizer = torch.optim.AdamW(layerwise_groups(model, 1e-3), weight_decay=0.01)
for it in range(6):
    x = torch.randn(24, 16)
    y = x[:, :3].argmax(1)
    loss = F.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(it, loss.item())
