import torch
import torch.nn.functional as F
from torch import nn


class Backbone(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 16, 3, stride=2, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(16)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(x))).mean(dim=(2, 3))


torch.manual_seed(36)
backbone = Backbone()
state = {k: torch.rand_like(v) + 0.1 if v.is_floating_point() else v for k, v in backbone.state_dict().items()}
backbone.load_state_dict(state)
for p in backbone.parameters():
    p.requires_grad = False
backbone.eval()

head = nn.Linear(16, 4)
optimizer = torch.optim.SGD(head.parameters(), lr=0.1)

for i in range(5):
    images, labels = torch.randn(8, 3, 16, 16), torch.randint(0, 4, (8,))
    with torch.no_grad():
        features = backbone(images)
    loss = F.cross_entropy(head(features), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"{i} loss {loss.item():.4f}")
