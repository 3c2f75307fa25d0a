# expect: blockage *depth_head.*
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(32)


class MultiTask(nn.Module):
    def __init__(self):
        super().__init__()
        self.shared = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU())
        self.depth_head = nn.Conv2d(8, 1, 1)
        self.seg_head = nn.Conv2d(8, 4, 1)

    def forward(self, x):
        h = self.shared(x)
        return {"depth": self.depth_head(h), "seg": self.seg_head(h)}


def compute_loss(out, batch):
    loss = F.l1_loss(out["depth"], batch["depth"])  # <- blame
    loss = F.cross_entropy(out["seg"], batch["seg"])  # <- blame
    return loss


def make_batch(n=4):
    img = torch.rand(n, 3, 8, 8)
    return {"img": img, "depth": img.mean(1, keepdim=True), "seg": (img[:, 0] * 4).long().clamp(max=3)}


model = MultiTask()
optim = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0)
for epoch in range(2):
    for _ in range(3):
        batch = make_batch()
        loss = compute_loss(model(batch["img"]), batch)
        optim.zero_grad()
        loss.backward()
        optim.step()
    print("epoch", epoch, "loss", loss.item())
