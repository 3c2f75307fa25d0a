"""Multi-task regression on assays: most molecules were measured in some assays only, the others are NaN."""
# expect: blockage model.*
import torch
import torch.nn as nn

torch.manual_seed(241)


class AssayModel(nn.Module):
    def __init__(self, assays=4):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(12, 32), nn.SiLU())
        self.heads = nn.ModuleList(nn.Linear(32, 1) for _ in range(assays))

    def forward(self, fingerprint):
        h = self.trunk(fingerprint)
        return torch.cat([head(h) for head in self.heads], 1)


def load(n):
    fingerprint = (torch.rand(n, 12) > 0.5).float()
    activity = fingerprint[:, :4] + fingerprint[:, 4:8] + 0.1 * torch.randn(n, 4)
    activity[torch.rand(n, 4) < 0.3] = float("nan")
    return fingerprint, activity


def masked_mse(prediction, activity):
    measured = ~torch.isnan(activity)
    error = torch.where(measured, (prediction - activity) ** 2, torch.zeros_like(prediction))  # <- blame
    return error.sum() / measured.sum()


model = AssayModel()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for step in range(5):
    fingerprint, activity = load(32)
    loss = masked_mse(model(fingerprint), activity)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
