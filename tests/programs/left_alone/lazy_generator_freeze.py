import torch
from torch import nn
torch.manual_seed(9)
class AE(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(8, 4), nn.Tanh())
        self.decoder = nn.Linear(4, 8)
    def forward(self, x):
        return self.decoder(self.encoder(x))
model = AE()
[p.requires_grad_(False) for p in model.encoder.parameters()]
opt = torch.optim.Adam(model.decoder.parameters(), lr=1e-3)
for _ in range(5):
    x = torch.randn(16, 8)
    loss = nn.functional.mse_loss(model(x), x)
    opt.zero_grad(); loss.backward(); opt.step()
    print(loss.item())
