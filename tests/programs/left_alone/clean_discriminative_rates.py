import torch
import torch.nn as nn

torch.manual_seed(0)


class SmallResNet(nn.Module):
    def __init__(self, num_classes=10):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.GroupNorm(4, 16), nn.ReLU())
        self.stage1 = nn.Sequential(nn.Conv2d(16, 16, 3, padding=1), nn.GroupNorm(4, 16), nn.ReLU())
        self.stage2 = nn.Sequential(nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.GroupNorm(4, 32), nn.ReLU())
        self.fc = nn.Linear(32, num_classes)

    def forward(self, x):
        x = self.stage2(self.stage1(self.stem(x)))
        return self.fc(x.mean(dim=(2, 3)))


model = SmallResNet()

# the stem keeps its generic edge filters
for p in model.stem.parameters():
    p.requires_grad = False

base_lr = 1e-2
optimizer = torch.optim.SGD(
    [
        {"params": model.stage1.parameters(), "lr": base_lr / 100},
        {"params": model.stage2.parameters(), "lr": base_lr / 10},
        {"params": model.fc.parameters()},
    ],
    lr=base_lr,
    momentum=0.9,
    weight_decay=1e-4,
)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
criterion = nn.CrossEntropyLoss(label_smoothing=0.1)

images = torch.randn(48, 3, 16, 16)
labels = torch.randint(0, 10, (48,))

for epoch in range(3):
    model.train()
    order = torch.randperm(len(images))
    for batch in order.split(24):
        optimizer.zero_grad()
        loss = criterion(model(images[batch]), labels[batch])
        loss.backward()
        optimizer.step()
    scheduler.step()

    model.eval()
    with torch.no_grad():
        accuracy = (model(images).argmax(1) == labels).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.3f} acc {accuracy:.2f} lr {scheduler.get_last_lr()}")
