import torch
from torch import nn

torch.manual_seed(25)
model = nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
x, y = torch.randn(48, 6), torch.randint(0, 2, (48,))


@torch.no_grad()
def validate():
    model.eval()
    accuracy = (model(x).argmax(1) == y).float().mean().item()
    model.train()
    return accuracy


for step in range(8):
    loss = nn.functional.cross_entropy(model(x[step::2]), y[step::2])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 2 == 0:
        print(step, loss.item(), validate())
