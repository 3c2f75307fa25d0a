import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(97)

images = torch.rand(40, 1, 10, 10)
labels = (images.mean(dim=(1, 2, 3)) > 0.5).long()

model = nn.Sequential(
    nn.Conv2d(1, 4, 3),
    nn.ReLU(),
    nn.AvgPool2d(2),
    nn.Flatten(),
    nn.Linear(4 * 4 * 4, 2),
)
optim = torch.optim.Adadelta(model.parameters(), lr=1.0)
sched = torch.optim.lr_scheduler.StepLR(optim, step_size=4, gamma=0.7)

for epoch in range(1, 3):
    model.train()
    for data, target in zip(images.split(10), labels.split(10), strict=True):
        optim.zero_grad()
        loss = F.nll_loss(F.log_softmax(model(data), dim=1), target)
        loss.backward()
        optim.step()
        sched.step()
    print(f"epoch {epoch} loss {loss.item():.6f} lr {sched.get_last_lr()[0]:.3f}")

    model.eval()
    with torch.no_grad():
        correct = (model(images).argmax(dim=1) == labels).sum().item()
    print(f"accuracy {correct}/{len(images)}")
