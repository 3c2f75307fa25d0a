"""Character model: truncated BPTT, hidden state carried (detached) over windows, learned initial state."""
import torch
import torch.nn as nn


class CharLM(nn.Module):
    def __init__(self, v=20, d=24):
        super().__init__()
        self.emb = nn.Embedding(v, d)
        self.lstm = nn.LSTM(d, d, num_layers=1, batch_first=True)
        self.dec = nn.Linear(d, v)
        self.dec.weight = self.emb.weight           # tied
        self.h0 = nn.Parameter(torch.zeros(1, 1, d))
        self.c0 = nn.Parameter(torch.zeros(1, 1, d))

    def init_state(self, b):
        return self.h0.expand(-1, b, -1).contiguous(), self.c0.expand(-1, b, -1).contiguous()

    def forward(self, x, state):
        y, state = self.lstm(self.emb(x), state)
        return self.dec(y), state


def repackage(state):
    return tuple(s.detach() for s in state)


torch.manual_seed(32)
lm = CharLM()
opt = torch.optim.SGD(lm.parameters(), lr=0.5)
text = torch.randint(0, 20, (8, 61))
for epoch in range(3):
    state, tot = None, 0.0
    for t in range(0, 60, 12):
        x, y = text[:, t:t + 12], text[:, t + 1:t + 13]
        state = lm.init_state(8) if state is None else repackage(state)
        out, state = lm(x, state)
        loss = nn.functional.cross_entropy(out.flatten(0, 1), y.flatten())
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(lm.parameters(), 0.25)
        opt.step()
        tot += loss.item()
    print(epoch, tot / 5)
