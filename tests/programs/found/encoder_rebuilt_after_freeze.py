# expect: leak *encoder.*
import torch
from torch import nn


def build_encoder(width):
    return nn.Sequential(nn.Linear(6, width), nn.ReLU(), nn.Linear(width, 10))


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = build_encoder(16)
        self.decoder = nn.Linear(10, 6)

    def forward(self, x):
        return self.decoder(self.encoder(x))


torch.manual_seed(3)
checkpoint = {"width": 32, "state": build_encoder(32).state_dict()}
model = Model()
for p in model.encoder.parameters():
    p.requires_grad_(False)

model.encoder = build_encoder(checkpoint["width"])  # <- blame
model.encoder.load_state_dict(checkpoint["state"])

opt = torch.optim.Adam((p for p in model.parameters() if p.requires_grad), lr=3e-3)
data = torch.randn(80, 6)
for step in range(10):
    b = data[torch.randint(0, 80, (20,))]
    loss = nn.functional.mse_loss(model(b), b)
    opt.zero_grad()
    loss.backward()
    opt.step()
print(loss.item())
