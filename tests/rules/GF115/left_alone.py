import torch
from torch import nn

torch.manual_seed(8)
encoder = nn.Sequential(nn.Linear(6, 16), nn.ReLU())
head = nn.Linear(16, 3)
model = nn.ModuleDict({"encoder": encoder, "head": head})
for name, parameter in model.named_parameters():
    if name.startswith("encoder."):
        parameter.requires_grad = False
optimizer = torch.optim.SGD(head.parameters(), lr=0.1)

for step in range(5):
    x = torch.randn(16, 6)
    y = torch.randint(0, 3, (16,))
    loss = nn.functional.cross_entropy(model["head"](model["encoder"](x)), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
