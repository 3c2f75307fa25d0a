import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(21)


class Backbone(nn.Sequential):
    def __init__(self):
        super().__init__(
            nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(),
            nn.Conv2d(8, 16, 3, stride=2, padding=1), nn.BatchNorm2d(16), nn.ReLU(),
            nn.AdaptiveAvgPool2d(1), nn.Flatten())


def linear_probe(backbone, batches, classes=4, lr=0.1):
    for p in backbone.parameters():
        p.requires_grad = False
    backbone.eval()
    head = nn.Linear(16, classes)
    optim = torch.optim.SGD(head.parameters(), lr=lr, momentum=0.9)
    for i, (img, lab) in enumerate(batches):
        with torch.no_grad():
            feat = backbone(img)
        loss = F.cross_entropy(head(feat), lab)
        optim.zero_grad()
        loss.backward()
        optim.step()
        print(i, "probe loss", f"{loss.item():.4f}")
    return head


pretrained = Backbone()
data = [(torch.randn(16, 3, 8, 8) * 2 + 1, torch.randint(0, 4, (16,))) for _ in range(5)]
linear_probe(pretrained, data)
