# expect: leak features.*
import torch
import torch.nn.functional as F
from torch import nn


def upscaler():
    return nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 4, 3, padding=1), nn.PixelShuffle(2))


def feature_network():
    return nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3, stride=2)).eval()


def train(model, features, steps):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(steps):
        sharp = torch.rand(4, 1, 16, 16)
        restored = model(F.avg_pool2d(sharp, 2))
        with torch.no_grad():
            wanted = features(sharp)
        loss = F.l1_loss(restored, sharp) + 0.1 * F.mse_loss(features(restored), wanted)  # <- blame
        optimizer.zero_grad()
        loss.backward()  # <- blame
        optimizer.step()
    return loss.item()


features = feature_network()
print(train(upscaler(), features, 6))
