# options: --frozen encoder
import torch, torch.nn as nn, torch.nn.functional as F
torch.manual_seed(1)
class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(6, 8) / 3)
        self.scale = nn.Parameter(torch.ones(8))
    def forward(self, x):
        return (x @ self.weight).relu() * self.scale
encoder, head = Encoder().requires_grad_(False), nn.Linear(8, 3)
opt = torch.optim.Adam(head.parameters(), 1e-2)
for i in range(4):
    x = torch.randn(8, 6)
    loss = F.cross_entropy(head(encoder(x)), x.argmax(1) % 3)
    opt.zero_grad(); loss.backward(); opt.step()
