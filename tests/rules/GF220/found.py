# expect: blockage encoder.*
import torch
from torch import nn

torch.manual_seed(29)
encoder = nn.Sequential(nn.Linear(9, 16), nn.ReLU())
head = nn.Linear(16, 2)
optimizer = torch.optim.Adam(encoder.parameters(), lr=1e-2)
head_optimizer = torch.optim.Adam(head.parameters(), lr=1e-2)


def evaluate(x, y):
    for p in encoder.parameters():
        p.requires_grad = False  # <- blame
    return (head(encoder(x)).argmax(1) == y).float().mean().item()


for epoch in range(5):
    x, y = torch.randn(32, 9), torch.randint(0, 2, (32,))
    loss = nn.functional.cross_entropy(head(encoder(x)), y)
    optimizer.zero_grad()
    head_optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    head_optimizer.step()
    if epoch == 1:
        print(epoch, loss.item(), evaluate(x, y))
