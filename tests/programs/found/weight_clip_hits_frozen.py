# expect: leak *embed.weight
import torch
from torch import nn


class Critic(nn.Module):
    def __init__(self, vectors):
        super().__init__()
        self.embed = nn.Embedding.from_pretrained(vectors, freeze=True)
        self.net = nn.Sequential(nn.Linear(vectors.size(1), 24), nn.ReLU(), nn.Linear(24, 1, bias=False))

    def forward(self, ids):
        return self.net(self.embed(ids).mean(1))


def clip_weights(model, c=0.2):
    with torch.no_grad():
        for p in model.parameters():
            p.clamp_(-c, c)  # <- blame


torch.manual_seed(11)
critic = Critic(torch.randn(30, 10))
opt = torch.optim.RMSprop([p for p in critic.parameters() if p.requires_grad], lr=1e-3)
a, b = torch.randint(0, 20, (100, 4)), torch.randint(10, 30, (100, 4))
for step in range(10):
    i = torch.randint(0, 100, (32,))
    loss = critic(a[i]).mean() - critic(b[i]).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    clip_weights(critic)
    print(step, loss.item())
