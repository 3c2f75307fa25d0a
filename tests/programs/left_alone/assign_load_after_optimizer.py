import io
import torch
import torch.nn as nn

torch.manual_seed(43)


class Coupling(nn.Module):
    def __init__(self, flip):
        super().__init__()
        self.flip = flip
        self.net = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 2))

    def forward(self, x):
        a, b = x.chunk(2, -1)
        if self.flip:
            a, b = b, a
        s, t = self.net(a).chunk(2, -1)
        b = b * torch.tanh(s).exp() + t
        return torch.cat((b, a) if self.flip else (a, b), -1), torch.tanh(s).sum(-1)


class Flow(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([Coupling(i % 2 == 1) for i in range(3)])

    def nll(self, x):
        ld = 0
        for l in self.layers:
            x, d = l(x)
            ld = ld + d
        return (0.5 * x.pow(2).sum(-1) - ld).mean()


buf = io.BytesIO()
torch.save(Flow().state_dict(), buf)
buf.seek(0)

flow = Flow()
flow.load_state_dict(torch.load(buf), assign=True)
opt = torch.optim.Adam(flow.parameters(), lr=5e-3)
for it in range(6):
    x = torch.randn(64, 2) @ torch.tensor([[1.0, 0.8], [0.0, 0.5]])
    loss = flow.nll(x)
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(it, loss.item())
