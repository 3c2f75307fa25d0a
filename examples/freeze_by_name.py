"""Fine-tunes the last stage and the classifier of a pretrained network, chosen by name; the classifier slips through.

Everything whose name does not hold "layer4" is frozen, and "fc" is such a name: the new classifier never learns.
"""

import torch
from torch import nn
from torch.nn.functional import cross_entropy, relu


class Block(nn.Module):
    def __init__(self, width_in, width):
        super().__init__()
        self.conv = nn.Conv2d(width_in, width, 3, padding=1)
        self.norm = nn.GroupNorm(4, width)
        self.shortcut = nn.Conv2d(width_in, width, 1)

    def forward(self, x):
        return relu(self.norm(self.conv(x)) + self.shortcut(x))


class SmallResNet(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.layer1 = Block(3, 8)
        self.layer2 = Block(8, 8)
        self.layer3 = Block(8, 16)
        self.layer4 = Block(16, 16)
        self.fc = nn.Linear(16, classes)

    def forward(self, images):
        features = self.layer4(self.layer3(self.layer2(self.layer1(images))))
        return self.fc(features.mean(dim=(2, 3)))


torch.manual_seed(7)
model = SmallResNet(classes=10)
for name, parameter in model.named_parameters():
    if "layer4" not in name:
        parameter.requires_grad = False
optimizer = torch.optim.SGD((p for p in model.parameters() if p.requires_grad), lr=0.1)

for step in range(5):
    images, labels = torch.randn(8, 3, 8, 8), torch.randint(10, (8,))
    loss = cross_entropy(model(images), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"step {step}: loss {loss.item():.4f}")
