import torch
import torch.nn as nn
import torch.nn.functional as F

# options: --frozen model.backbone


class Refiner(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.affinity = nn.Conv2d(width + 1, 9, 3, padding=1)

    def forward(self, feature, depth):
        weights = self.affinity(torch.cat([feature, depth], 1)).softmax(1)
        patches = F.unfold(depth, 3, padding=1).view(depth.size(0), 9, *depth.shape[-2:])
        return (weights * patches).sum(1, keepdim=True)


class DepthCompletion(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(4, width, 3, padding=1), nn.ReLU())
        self.coarse = nn.Conv2d(width, 1, 1)
        self.refine = Refiner(width)

    def forward(self, rgb, sparse):
        feature = self.backbone(torch.cat([rgb, sparse], 1))
        return self.refine(feature, self.coarse(feature))


def adjust_learning_rate(base_lr, optimizer, epoch):
    lr = base_lr * (0.5 ** (epoch // 2))
    for param_group in optimizer.param_groups:
        param_group["lr"] = lr
    return lr


def iterate(model, optimizer, batches):
    total = 0.0
    for rgb, sparse, gt in batches:
        loss = F.mse_loss(model(rgb, sparse), gt)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    return total / len(batches)


torch.manual_seed(4)
model = DepthCompletion()
model.backbone.requires_grad_(False)
optimizer = torch.optim.Adam([
    {"params": [*model.coarse.parameters(), *model.refine.parameters()]},
], lr=2e-3)
batches = []
for _ in range(2):
    gt = torch.rand(2, 1, 8, 8)
    batches.append((torch.rand(2, 3, 8, 8) * gt, gt * (torch.rand_like(gt) > 0.7), gt))

for epoch in range(3):
    lr = adjust_learning_rate(2e-3, optimizer, epoch)
    print(epoch, lr, round(iterate(model, optimizer, batches), 6))
