"""Two-stream detector with a fusion transformer; parameter groups by kind of layer, as in YOLOv5's train.py."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(82)
C, SIDE = 8, 4


class Fusion(nn.Module):
    """Cross-modality fusion transformer over the tokens of both feature maps."""

    def __init__(self):
        super().__init__()
        self.pos_emb = nn.Parameter(torch.zeros(1, 2 * SIDE * SIDE, C))
        self.modality = nn.Parameter(torch.zeros(2, 1, C))
        self.attn_q, self.attn_k, self.attn_v = (nn.Linear(C, C) for _ in range(3))

    def forward(self, rgb, ir):
        tokens = [f.flatten(2).transpose(1, 2) + m for f, m in zip((rgb, ir), self.modality)]
        x = torch.cat(tokens, 1) + self.pos_emb
        y = x + F.scaled_dot_product_attention(self.attn_q(x), self.attn_k(x), self.attn_v(x))
        a, b = y.chunk(2, 1)
        shape = rgb.shape
        return a.transpose(1, 2).reshape(shape), b.transpose(1, 2).reshape(shape)


class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        self.rgb = nn.Sequential(nn.Conv2d(3, C, 3, 2, 1, bias=False), nn.BatchNorm2d(C), nn.SiLU())
        self.ir = nn.Sequential(nn.Conv2d(1, C, 3, 2, 1, bias=False), nn.BatchNorm2d(C), nn.SiLU())
        self.fusion = Fusion()
        self.detect = nn.Conv2d(2 * C, 5, 1)

    def forward(self, rgb, ir):
        return self.detect(torch.cat(self.fusion(self.rgb(rgb), self.ir(ir)), 1))


model = Detector()
pg0, pg1, pg2 = [], [], []
for module in model.modules():
    if hasattr(module, "bias") and isinstance(module.bias, nn.Parameter):
        pg2.append(module.bias)
    if isinstance(module, nn.BatchNorm2d):
        pg0.append(module.weight)
    elif hasattr(module, "weight") and isinstance(module.weight, nn.Parameter):
        pg1.append(module.weight)
    if isinstance(module, Fusion):
        pg0 += [module.pos_emb, module.modality]

optimizer = torch.optim.SGD(pg0, lr=0.01, momentum=0.9, nesterov=True)
optimizer.add_param_group({"params": pg1, "weight_decay": 5e-4})
optimizer.add_param_group({"params": pg2})
print(f"optimizer groups: {len(pg2)} .bias, {len(pg1)} conv.weight, {len(pg0)} other")

for step in range(5):
    rgb, ir = torch.rand(4, 3, 8, 8), torch.rand(4, 1, 8, 8)
    box = torch.rand(4, 5, SIDE, SIDE)
    loss = F.smooth_l1_loss(model(rgb, ir), box)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
