"""Registration: a regressor predicts the affine map that brings a template onto the image."""
# expect: blockage regressor.*
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(2)
SIZE = 16


class Regressor(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Conv2d(1, 8, 5, 2, 2), nn.ReLU(), nn.Conv2d(8, 8, 3, 2, 1), nn.ReLU(), nn.Flatten())
        self.theta = nn.Linear(8 * 16, 6)
        nn.init.normal_(self.theta.weight, std=0.01)
        self.theta.bias.data.copy_(torch.tensor([1.0, 0, 0, 0, 1.0, 0]))

    def forward(self, image):
        return self.theta(self.trunk(image)).view(-1, 2, 3)


class AffineWarper:
    def __init__(self, size, mode="bilinear"):
        self.size, self.mode = size, mode

    def __call__(self, picture, theta):
        grid = F.affine_grid(theta, [len(theta), 1, self.size, self.size], align_corners=False)
        return F.grid_sample(picture, grid, mode=self.mode, padding_mode="zeros", align_corners=False)  # <- blame


def soft_disc(centre):
    axis = torch.linspace(-1, 1, SIZE)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    r2 = (x - centre[:, 0, None, None]) ** 2 + (y - centre[:, 1, None, None]) ** 2
    return torch.exp(-r2 / 0.15).unsqueeze(1)


regressor = Regressor()
warp = AffineWarper(SIZE, mode="nearest")  # <- blame
template = soft_disc(torch.zeros(1, 2))
optimizer = torch.optim.Adam(regressor.parameters(), lr=1e-3)

for step in range(5):
    image = soft_disc(torch.rand(8, 2) - 0.5)
    warped = warp(template.expand(8, -1, -1, -1), regressor(image))
    loss = F.mse_loss(warped, image)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
