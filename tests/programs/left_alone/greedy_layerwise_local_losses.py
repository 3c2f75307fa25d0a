"""Greedy training: every block has a classifier and an optimizer of its own, no gradient passes between blocks."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(30)
CLASSES = 3


class LocalBlock(nn.Module):
    def __init__(self, channels_in, channels_out, stride):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(channels_in, channels_out, 3, stride, 1), nn.BatchNorm2d(channels_out), nn.ReLU())
        self.local = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4 * channels_out, CLASSES))

    def forward(self, x):
        h = self.body(x)
        return h, self.local(h)


blocks = nn.ModuleList([LocalBlock(1, 6, 1), LocalBlock(6, 8, 2), LocalBlock(8, 12, 2)])
optimizers = [torch.optim.SGD(b.parameters(), lr=0.05, momentum=0.9) for b in blocks]

for step in range(5):
    y = torch.randint(0, CLASSES, (16,))
    x = torch.randn(16, 1, 8, 8) * 0.5
    x[torch.arange(16), 0, y * 2, :] += 1.5
    losses = []
    for block, optimizer in zip(blocks, optimizers):
        h, logits = block(x)
        loss = F.cross_entropy(logits, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(round(loss.item(), 4))
        x = h.detach()
    print(step, losses)
