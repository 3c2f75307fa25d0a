import io

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(3)


class Regressor(nn.Module):
    def __init__(self, inputs=6, hidden=24):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(inputs, hidden), nn.GELU(), nn.Linear(hidden, hidden), nn.GELU())
        self.output = nn.Linear(hidden, 1)

    def forward(self, x):
        return self.output(self.layers(x)).squeeze(1)


# the checkpoint of the previous run
checkpoint = io.BytesIO()
torch.save({"config": {"inputs": 6, "hidden": 24}, "model": Regressor().state_dict()}, checkpoint)
checkpoint.seek(0)

resume = True
lr = 5e-3
epochs = 2

x = torch.randn(40, 6)
y = x[:, 0] * x[:, 1] + 0.1 * torch.randn(40)
loader = DataLoader(TensorDataset(x, y), batch_size=10, shuffle=True)

model = Regressor()
optimizer = torch.optim.Adam(model.parameters(), lr=lr)
criterion = nn.SmoothL1Loss()

if resume:
    saved = torch.load(checkpoint)
    model.load_state_dict(saved["model"])
    print("resumed from checkpoint")

for epoch in range(epochs):
    running = 0.0
    for features, target in loader:
        optimizer.zero_grad()
        loss = criterion(model(features), target)
        loss.backward()
        optimizer.step()
        running += loss.item()
    print(f"[{epoch + 1}/{epochs}] loss {running / len(loader):.5f}")
