# expect: blockage *encoder.*
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(78)


class AutoEncoder(nn.Module):
    def __init__(self, d=18, z=4):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(d, 24), nn.ReLU(), nn.Linear(24, z))
        self.decoder = nn.Sequential(nn.Linear(z, 24), nn.ReLU(), nn.Linear(24, d))

    @torch.no_grad()  # <- blame
    def encode(self, x):
        """latents for plotting and for forward()"""
        return self.encoder(x)

    def forward(self, x):
        return self.decoder(self.encode(x))  # <- blame


def batches(n, gen):
    basis = torch.randn(3, 18, generator=gen)
    for _ in range(n):
        yield torch.randn(32, 3, generator=gen) @ basis


model = AutoEncoder()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for i, x in enumerate(batches(6, torch.Generator().manual_seed(0))):
    noisy = x + 0.1 * torch.randn_like(x)
    loss = F.mse_loss(model(noisy), x)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(i, loss.item())
with torch.no_grad():
    print("latent std", model.encode(x).std(0))
