import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(91)


class InfoNCE(nn.Module):
    def __init__(self, t=0.2):
        super().__init__()
        self.log_temp = nn.Parameter(torch.tensor(t).log())

    def forward(self, a, b):
        temp = self.log_temp.exp().clamp(min=0.01)
        logits = F.normalize(a, dim=1) @ F.normalize(b, dim=1).T / temp
        target = torch.arange(len(a))
        return 0.5 * (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target))


audio = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 8))
video = nn.Sequential(nn.Linear(24, 32), nn.ReLU(), nn.Linear(32, 8))
criterion = InfoNCE()
optimizer = torch.optim.Adam([
    {"params": list(audio.parameters()) + list(video.parameters())},
    {"params": criterion.parameters(), "lr": 1e-2},
], lr=1e-3)
mix_a, mix_v = torch.randn(5, 16), torch.randn(5, 24)
for step in range(6):
    latent = torch.randn(32, 5)
    loss = criterion(audio(latent @ mix_a), video(latent @ mix_v))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item(), criterion.log_temp.exp().item())
