"""Rotation regression: the head starts at the identity rotation, where many of the targets are."""
# expect: blockage net.[bh]*
import torch
import torch.nn as nn

torch.manual_seed(211)


class RotationNet(nn.Module):
    """Predicts a rotation by Gram-Schmidt on six numbers."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(8, 32), nn.ReLU())
        self.head = nn.Linear(32, 6)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self.register_buffer("identity", torch.tensor([1.0, 0, 0, 0, 1.0, 0]))

    def forward(self, x):
        six = self.head(self.body(x)) + self.identity
        a, b = six[:, :3], six[:, 3:]
        first = nn.functional.normalize(a, dim=1)
        second = nn.functional.normalize(b - (first * b).sum(1, keepdim=True) * first, dim=1)
        return torch.stack([first, second, torch.linalg.cross(first, second)], 1)


def angle(r1, r2):
    trace = (r1 * r2).sum((1, 2))
    cosine = ((trace - 1) / 2).clamp(-1, 1)
    return torch.acos(cosine)  # <- blame


net = RotationNet()
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
for step in range(5):
    x = torch.randn(16, 8)
    turn = 0.3 * x[:, 0] * (x[:, 1] > 0)  # half of the objects have not been turned
    row = torch.stack([turn.cos(), -turn.sin(), turn.sin(), turn.cos()], 1).view(-1, 2, 2)
    target = torch.eye(3).repeat(16, 1, 1)
    target[:, :2, :2] = row
    loss = angle(net(x), target).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
