"""Discriminative fine-tuning: each group follows its own warm-up; the stem's is held at zero."""
# expect: blockage [mh]*
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(92)

stem = nn.Sequential(nn.Conv1d(2, 8, 5, padding=2), nn.ReLU())
middle = nn.Sequential(nn.Conv1d(8, 12, 5, stride=2, padding=2), nn.ReLU())
head = nn.Sequential(nn.AdaptiveAvgPool1d(2), nn.Flatten(), nn.Linear(24, 3))
for p in stem.parameters():
    p.requires_grad_(False)

FACTORS = {"head": 1.0, "middle": 0.3, "stem": 0.0}
GROUPS = {"head": head, "middle": middle, "stem": stem}
optimizer = torch.optim.AdamW(
    [{"params": GROUPS[name].parameters(), "lr": 2e-3, "name": name} for name in FACTORS], weight_decay=0.01
)
WARMUP = 3


def warmup(step):
    return min(1.0, (step + 1) / WARMUP)


lambdas = []
for name in FACTORS:
    lambdas.append(lambda step: FACTORS[name] * warmup(step))  # <- blame
scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambdas)  # <- blame

for step in range(6):
    y = torch.randint(0, 3, (16,))
    t = torch.arange(32).float()
    x = torch.sin(t * 0.2 * (y + 1).view(-1, 1, 1)) + 0.3 * torch.randn(16, 2, 32)
    loss = F.cross_entropy(head(middle(stem(x))), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    print(step, loss.item())
