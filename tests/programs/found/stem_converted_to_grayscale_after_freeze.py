# expect: leak model.encoder.0.*
import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def __init__(self, n_classes=7):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 16, 3, stride=2, padding=1), nn.ReLU()
        )
        self.classifier = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, n_classes))

    def forward(self, x):
        return self.classifier(self.encoder(x))


torch.manual_seed(0)
model = Net()

# only the classifier is trained
for param in model.encoder.parameters():
    param.requires_grad = False
model.encoder.eval()

# the X-ray images have one channel
rgb = model.encoder[0]
gray = nn.Conv2d(1, rgb.out_channels, 3, padding=1)
gray.weight.data = rgb.weight.data.sum(dim=1, keepdim=True)
gray.bias.data = rgb.bias.data.clone()
model.encoder[0] = gray  # <- blame

optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

for step in range(5):
    images = torch.randn(8, 1, 20, 20)
    labels = torch.randint(0, 7, (8,))
    loss = F.cross_entropy(model(images), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"step {step} loss {loss.item():.4f}")
