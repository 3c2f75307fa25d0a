import torch
from torch import nn


class Norm(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.shift = nn.Parameter(torch.zeros(size))
        self.register_buffer("ready", torch.tensor(False))

    def forward(self, x):
        if not self.ready:
            self.shift.data.copy_(-x.detach().mean(0))
            self.ready.fill_(True)
        return torch.tanh(x + self.shift)


torch.manual_seed(33)
flow = nn.Sequential(Norm(6), nn.Linear(6, 6))
flow.load_state_dict({name: torch.ones_like(p) for name, p in flow.state_dict().items()})
flow.requires_grad_(False)
denoiser = nn.Linear(6, 6)
optimizer = torch.optim.Adam(denoiser.parameters(), lr=1e-2)

for step in range(5):
    x = torch.randn(24, 6) + 2
    loss = (denoiser(x) - x).square().mean() + flow(denoiser(x)).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
