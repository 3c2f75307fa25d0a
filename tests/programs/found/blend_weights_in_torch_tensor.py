# expect: blockage *blend_*
import warnings

import torch
from torch import nn

warnings.filterwarnings("ignore", category=UserWarning)


class MultiScaleHead(nn.Module):
    def __init__(self, channels=6, classes=4):
        super().__init__()
        self.small = nn.Conv2d(3, channels, 1)
        self.medium = nn.Conv2d(3, channels, 3, padding=1)
        self.large = nn.Conv2d(3, channels, 5, padding=2)
        self.blend_small = nn.Parameter(torch.tensor(1.0))
        self.blend_medium = nn.Parameter(torch.tensor(1.0))
        self.blend_large = nn.Parameter(torch.tensor(1.0))
        self.classifier = nn.Linear(channels, classes)

    def forward(self, image):
        maps = torch.stack([self.small(image), self.medium(image), self.large(image)])
        weights = torch.tensor([self.blend_small, self.blend_medium, self.blend_large])  # <- blame
        weights = torch.softmax(weights, dim=0).view(3, 1, 1, 1, 1)
        return self.classifier(torch.relu((weights * maps).sum(0)).mean(dim=(2, 3)))


torch.manual_seed(0)
model = MultiScaleHead()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for step in range(5):
    images = torch.randn(10, 3, 8, 8)
    labels = (images.mean(dim=(1, 2, 3)) > 0).long() + 2 * (images[:, 0].mean(dim=(1, 2)) > 0).long()
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(images), labels)
    loss.backward()
    optimizer.step()
    print(f"step={step} loss={loss.item():.4f}")
