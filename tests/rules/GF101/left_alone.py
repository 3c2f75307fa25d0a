import torch
from torch import nn

torch.manual_seed(0)
backbone = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 8))
head = nn.Linear(8, 3)
optimizer = torch.optim.SGD([*backbone.parameters(), *head.parameters()], lr=0.1, momentum=0.9)
x, y = torch.randn(32, 8), torch.randint(0, 3, (32,))

# one epoch of everything, then the head alone
for epoch in range(4):
    if epoch == 1:
        for p in backbone.parameters():
            p.requires_grad = False
        optimizer = torch.optim.SGD(head.parameters(), lr=0.1, momentum=0.9)
    loss = nn.functional.cross_entropy(head(backbone(x)), y)
    optimizer.zero_grad(set_to_none=False)
    loss.backward()
    optimizer.step()
    print(epoch, loss.item())
