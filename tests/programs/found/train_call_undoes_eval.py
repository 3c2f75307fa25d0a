# expect: leak *backbone.*.running_*
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(62)


class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv1d(2, 8, 5, padding=2), nn.BatchNorm1d(8), nn.ReLU(), nn.AdaptiveAvgPool1d(4))
        self.box_head = nn.Linear(32, 2)
        self.cls_head = nn.Linear(32, 3)
        self.backbone.requires_grad_(False)
        self.backbone.eval()


    def forward(self, x):
        f = self.backbone(x).flatten(1)
        return self.box_head(f), self.cls_head(f)


class Trainer:
    def __init__(self, model, lr=0.01):
        self.model = model
        trainable = [p for p in model.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(trainable, lr=lr)

    def fit(self, batches):
        self.model.train()  # <- blame
        for x, box, lab in batches:
            pb, pc = self.model(x)
            loss = F.smooth_l1_loss(pb, box) + F.cross_entropy(pc, lab)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            print(f"{loss.item():.4f}")


batches = [(torch.randn(8, 2, 24) * 3, torch.rand(8, 2), torch.randint(0, 3, (8,))) for _ in range(5)]
Trainer(Detector()).fit(batches)
