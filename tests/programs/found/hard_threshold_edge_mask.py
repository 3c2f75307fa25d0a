# expect: blockage *importance.*
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(67)


class FeatureSelector(nn.Module):
    def __init__(self, n=12):
        super().__init__()
        self.importance = nn.Sequential(nn.Linear(n, 16), nn.Tanh(), nn.Linear(16, n))
        self.predict = nn.Sequential(nn.Linear(n, 24), nn.ReLU(), nn.Linear(24, 1))

    def forward(self, x):
        score = torch.sigmoid(self.importance(x))
        mask = (score > 0.5).float()  # <- blame
        return self.predict(x * mask), score


model = FeatureSelector()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for it in range(6):
    x = torch.randn(48, 12)
    y = (x[:, :3].sum(1, keepdim=True) > 0).float()
    logit, score = model(x)
    loss = F.binary_cross_entropy_with_logits(logit, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(it, "loss", loss.item(), "kept", (score > 0.5).float().mean().item())
