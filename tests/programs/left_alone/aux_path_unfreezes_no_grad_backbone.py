import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(14)


class SemiSup(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(9, 32), nn.ReLU(), nn.Linear(32, 16)).eval()
        self.adapter = nn.Sequential(nn.Linear(16, 16), nn.ReLU())
        self.head = nn.Linear(16, 3)
        self.backbone.requires_grad_(False)

    def features(self, x):
        with torch.no_grad():           # pretrained, not to be touched
            return self.backbone(x)

    def forward(self, x):
        return self.head(self.adapter(self.features(x)))

    def consistency(self, x):
        noisy = x + 0.1 * torch.randn_like(x)
        p = self.head(self.adapter(self.features(noisy))).log_softmax(-1)
        with torch.no_grad():
            q = self(x).softmax(-1)
        return F.kl_div(p, q, reduction="batchmean")


model = SemiSup()
optimizer = torch.optim.Adam([*model.adapter.parameters(), *model.head.parameters()], lr=2e-3)
for it in range(6):
    x = torch.randn(24, 9)
    y = x[:, :3].argmax(1)
    sup = F.cross_entropy(model(x), y)
    unsup = model.consistency(torch.randn(48, 9))
    loss = sup + unsup
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(it, sup.item(), unsup.item())
