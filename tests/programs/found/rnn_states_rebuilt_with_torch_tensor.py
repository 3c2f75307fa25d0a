# expect: blockage *cell.*
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(60)


class Forecaster(nn.Module):
    def __init__(self, d=16):
        super().__init__()
        self.cell = nn.GRUCell(2, d)
        self.attn = nn.Linear(d, 1)
        self.readout = nn.Linear(d, 2)

    def forward(self, seq):
        h = seq.new_zeros(seq.size(0), self.cell.hidden_size)
        states = []
        for x in seq.unbind(1):
            h = self.cell(x, h)
            states.append(h.tolist())  # <- blame
        H = torch.tensor(states).transpose(0, 1)  # <- blame
        w = self.attn(H).softmax(1)
        return self.readout((w * H).sum(1))


model = Forecaster()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for step in range(5):
    t0 = torch.rand(24, 1) * 6
    t = t0 + 0.3 * torch.arange(9)
    wave = torch.stack([t.sin(), t.cos()], -1)
    pred = model(wave[:, :-1])
    loss = F.mse_loss(pred, wave[:, -1])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"{step} {loss.item():.5f}")
