# expect-note: GF301 critic.out.*
import torch
import torch.nn as nn

torch.manual_seed(81)


class Critic(nn.Module):
    """pretrained random-feature front, trainable linear critic on top"""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Linear(3, 40), nn.LeakyReLU(0.2))
        self.out = nn.Sequential(nn.Linear(40, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1, bias=False))
        self.features.requires_grad_(False)

    def forward(self, x):
        return self.out(self.features(x)).mean()


gen = nn.Sequential(nn.Linear(5, 32), nn.ReLU(), nn.Linear(32, 3))
critic = Critic()
opt_c = torch.optim.RMSprop(critic.out.parameters(), lr=5e-4)
opt_g = torch.optim.RMSprop(gen.parameters(), lr=5e-4)
CLIP = 0.05

for it in range(4):
    for _ in range(3):
        real = torch.randn(32, 3) + 2
        with torch.no_grad():
            fake = gen(torch.randn(32, 5))
        opt_c.zero_grad()
        loss_c = critic(fake) - critic(real)
        loss_c.backward()
        opt_c.step()
        for p in critic.out.parameters():
            p.data.clamp_(-CLIP, CLIP)
    opt_g.zero_grad()
    loss_g = -critic(gen(torch.randn(32, 5)))
    loss_g.backward()
    opt_g.step()
    print(it, "W", -loss_c.item())
