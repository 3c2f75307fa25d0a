import torch
from torch import nn

torch.manual_seed(2)
backbone = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
backbone.requires_grad_(False).eval()
head = nn.Linear(8, 4)
optimizer = torch.optim.AdamW(head.parameters(), lr=1e-2)
images, labels = torch.rand(24, 3, 8, 8), torch.randint(0, 4, (24,))

for step in range(4):
    features = backbone(images)
    loss = nn.functional.cross_entropy(head(features), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
