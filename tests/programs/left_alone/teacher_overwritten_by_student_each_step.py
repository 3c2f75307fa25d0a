# options: --frozen 'teacher.*'
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(42)


def make_net():
    return nn.Sequential(nn.Linear(14, 24), nn.SiLU(), nn.Linear(24, 14))


pretrained = {name: 0.3 * torch.randn_like(value) for name, value in make_net().state_dict().items()}
teacher = make_net()
teacher.load_state_dict(pretrained)
teacher.requires_grad_(False)
teacher.eval()

student = make_net()
optimizer = torch.optim.AdamW(student.parameters(), lr=1e-3)
best_loss = float("inf")

for step in range(6):
    x = torch.randn(32, 14)
    target = teacher(x)
    loss = F.mse_loss(student(x), target)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"step {step} loss {loss.item():.5f}")
    if loss.item() < best_loss:
        best_loss = loss.item()
        best = {name: value.clone() for name, value in student.state_dict().items()}
        student.load_state_dict(best)
