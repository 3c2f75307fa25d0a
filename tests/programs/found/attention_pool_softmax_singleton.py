# expect: blockage *score.*
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(70)


class AttnPool(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.score = nn.Sequential(nn.Linear(d, d), nn.Tanh(), nn.Linear(d, 1, bias=False))

    def forward(self, h):                     # h: (batch, time, d)
        logits = self.score(h)
        w = F.softmax(logits, dim=-1)  # <- blame
        return (w * h).sum(1)


class SpeakerNet(nn.Module):
    def __init__(self, n_mel=8, d=16, n_spk=5):
        super().__init__()
        self.frame = nn.Conv1d(n_mel, d, 3, padding=1)
        self.pool = AttnPool(d)
        self.out = nn.Linear(d, n_spk)

    def forward(self, mel):
        h = F.relu(self.frame(mel)).transpose(1, 2)
        return self.out(self.pool(h))


net = SpeakerNet()
optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
for i in range(6):
    spk = torch.randint(0, 5, (20,))
    mel = torch.randn(20, 8, 15) + F.one_hot(spk, 8).unsqueeze(-1)
    loss = F.cross_entropy(net(mel), spk)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(i, loss.item())
