"""Echo state network: reservoir and input weights are drawn once and never trained, only the readout learns."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(13)


class Reservoir(nn.Module):
    def __init__(self, inputs, size, radius=0.9, leak=0.5):
        super().__init__()
        self.leak = leak
        self.w_in = nn.Parameter(torch.rand(size, inputs) - 0.5, requires_grad=False)
        w = torch.randn(size, size)
        w *= (torch.rand(size, size) < 0.2).float()
        w *= radius / torch.linalg.eigvals(w).abs().max()
        self.w = nn.Parameter(w, requires_grad=False)
        self.register_buffer("state", torch.zeros(1, size))

    @torch.no_grad()
    def forward(self, series):
        states = []
        for u in series.unbind(1):
            new = torch.tanh(u @ self.w_in.T + self.state @ self.w.T)
            self.state = (1 - self.leak) * self.state + self.leak * new
            states.append(self.state)
        return torch.stack(states, 1)


reservoir = Reservoir(1, 40)
readout = nn.Linear(40, 1)
optimizer = torch.optim.Adam(readout.parameters(), lr=1e-2)
t = torch.arange(200).float()
signal = (torch.sin(0.2 * t) + 0.5 * torch.sin(0.311 * t)).view(1, -1, 1)
for step in range(6):
    chunk = signal[:, step * 30 : step * 30 + 31]
    states = reservoir(chunk[:, :-1])
    loss = F.mse_loss(readout(states), chunk[:, 1:])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
