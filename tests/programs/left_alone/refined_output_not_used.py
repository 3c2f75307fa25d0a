import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(25)


class CoarseToFine(nn.Module):
    def __init__(self, ch=8):
        super().__init__()
        self.coarse = nn.Sequential(nn.Conv2d(1, ch, 3, padding=1), nn.ReLU(), nn.Conv2d(ch, 1, 1))
        self.refine = nn.Sequential(nn.Conv2d(2, ch, 3, padding=1), nn.ReLU(), nn.Conv2d(ch, 1, 1))

    def forward(self, img):
        rough = self.coarse(img)
        fine = rough + self.refine(torch.cat([img, torch.sigmoid(rough)], 1))
        return rough, fine


def dice(logits, gt, eps=1.0):
    p = torch.sigmoid(logits)
    return 1 - (2 * (p * gt).sum() + eps) / (p.sum() + gt.sum() + eps)


model = CoarseToFine()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for step in range(5):
    img = torch.rand(4, 1, 12, 12)
    gt = (F.avg_pool2d(img, 3, 1, 1) > 0.5).float()
    rough, fine = model(img)
    loss_rough = F.binary_cross_entropy_with_logits(rough, gt)
    loss_fine = F.binary_cross_entropy_with_logits(fine, gt) + dice(fine, gt)
    loss = 0.4 * loss_rough + loss_fine
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss_rough.item(), loss_fine.item())
