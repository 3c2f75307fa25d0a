"""Detection-style: stem and all batch norms frozen; train() overridden so that they stay in eval mode."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(2)


class ResBlock(nn.Module):
    def __init__(self, cin, cout, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(cin, cout, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(cout)
        self.conv2 = nn.Conv2d(cout, cout, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(cout)
        self.down = nn.Conv2d(cin, cout, 1, stride, bias=False) if (stride != 1 or cin != cout) else None

    def forward(self, x):
        idt = x if self.down is None else self.down(x)
        x = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(x)) + idt)


class Backbone(nn.Module):
    def __init__(self, frozen_stages=1, norm_eval=True):
        super().__init__()
        self.frozen_stages, self.norm_eval = frozen_stages, norm_eval
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU())
        self.layer1 = ResBlock(8, 8)
        self.layer2 = ResBlock(8, 16, 2)
        self._freeze_stages()

    def _freeze_stages(self):
        for m in [self.stem] + [getattr(self, f"layer{i}") for i in range(1, self.frozen_stages + 1)]:
            m.eval()
            for p in m.parameters():
                p.requires_grad = False
        for m in self.modules():
            if isinstance(m, nn.BatchNorm2d):
                for p in m.parameters():
                    p.requires_grad = False

    def train(self, mode=True):
        super().train(mode)
        self._freeze_stages()
        if mode and self.norm_eval:
            for m in self.modules():
                if isinstance(m, nn.BatchNorm2d):
                    m.eval()
        return self

    def forward(self, x):
        return self.layer2(self.layer1(self.stem(x)))


class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = Backbone()
        self.cls = nn.Conv2d(16, 3, 1)
        self.box = nn.Conv2d(16, 4, 1)

    def forward(self, x):
        f = self.backbone(x)
        return self.cls(f), self.box(f)


model = Detector()
optimizer = torch.optim.SGD((p for p in model.parameters() if p.requires_grad), lr=0.01, momentum=0.9, weight_decay=1e-4)
images = torch.randn(16, 3, 16, 16)
labels = torch.randint(0, 3, (16, 4, 4))
boxes = torch.randn(16, 4, 4, 4)
for it in range(8):
    model.train()
    idx = torch.randint(0, 16, (8,))
    logits, deltas = model(images[idx])
    losses = {"cls": F.cross_entropy(logits, labels[idx]), "box": F.smooth_l1_loss(deltas, boxes[idx])}
    total = sum(losses.values())
    optimizer.zero_grad()
    total.backward()
    optimizer.step()
    print(it, {k: round(v.item(), 4) for k, v in losses.items()})
