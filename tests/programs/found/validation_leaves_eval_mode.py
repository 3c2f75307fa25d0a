# expect: blockage *running_*
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(39)
model = nn.Sequential(nn.Conv2d(1, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.Dropout(0.2),
                      nn.Flatten(), nn.Linear(6 * 36, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)


def get_batch(n=16):
    y = torch.randint(0, 3, (n,))
    return torch.randn(n, 1, 6, 6) + y.view(-1, 1, 1, 1), y


def validate():
    model.eval()  # <- blame
    with torch.no_grad():
        x, y = get_batch(64)
        return (model(x).argmax(1) == y).float().mean().item()


model.train()  # <- blame
for epoch in range(4):
    for _ in range(3):
        x, y = get_batch()
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    acc = validate()
    if epoch == 0:
        after_val = model[1].running_mean.clone()
    print("epoch", epoch, "loss", round(loss.item(), 4), "acc", round(acc, 3))
