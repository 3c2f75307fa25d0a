import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(106)
N_USER, N_ITEM, D = 12, 30, 8


class MF(nn.Module):
    """users are numbered 0..N_USER-1; item 0 is the padding of the history"""

    def __init__(self):
        super().__init__()
        self.user = nn.Embedding(N_USER, D)
        self.item = nn.Embedding(N_ITEM + 1, D, padding_idx=0)
        self.mix = nn.Linear(2 * D, D)

    def forward(self, u, hist, i):
        h = self.item(hist).sum(1) / (hist > 0).sum(1, keepdim=True).clamp(min=1)
        q = self.mix(torch.cat([self.user(u), h], -1))
        return (q * self.item(i)).sum(-1)


model = MF()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for step in range(8):
    u = torch.arange(N_USER).repeat(4)
    hist = torch.randint(1, N_ITEM + 1, (len(u), 5))
    hist[:, 3:] *= torch.randint(0, 2, (len(u), 2))
    pos, neg = torch.randint(1, N_ITEM + 1, (len(u),)), torch.randint(1, N_ITEM + 1, (len(u),))
    loss = -F.logsigmoid(model(u, hist, pos) - model(u, hist, neg)).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
