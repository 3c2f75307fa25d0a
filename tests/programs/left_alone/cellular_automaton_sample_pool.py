"""Growing neural cellular automaton: fixed perception filters, final states go back to a pool without their graph."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(26)
CHANNELS, SIZE = 6, 8


class Automaton(nn.Module):
    def __init__(self):
        super().__init__()
        sobel = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 8
        identity = torch.zeros(3, 3)
        identity[1, 1] = 1
        filters = torch.stack([identity, sobel, sobel.T]).repeat(CHANNELS, 1, 1).unsqueeze(1)
        self.perceive = nn.Conv2d(CHANNELS, 3 * CHANNELS, 3, padding=1, groups=CHANNELS, bias=False)
        self.perceive.weight.data.copy_(filters)
        self.perceive.weight.requires_grad_(False)
        self.think = nn.Conv2d(3 * CHANNELS, 24, 1)
        self.act = nn.Conv2d(24, CHANNELS, 1, bias=False)
        nn.init.zeros_(self.act.weight)

    def forward(self, x):
        change = self.act(F.relu(self.think(self.perceive(x))))
        fire = (torch.rand_like(x[:, :1]) < 0.5).float()
        x = x + change * fire
        alive = (F.max_pool2d(x[:, 3:4], 3, 1, 1) > 0.1).float()
        return x * alive


seed = torch.zeros(CHANNELS, SIZE, SIZE)
seed[3:, SIZE // 2, SIZE // 2] = 1
pool = seed.repeat(16, 1, 1, 1)
target = torch.zeros(4, SIZE, SIZE)
target[:, 2:6, 2:6] = torch.rand(4, 1, 1)
target[3, 2:6, 2:6] = 1

automaton = Automaton()
optimizer = torch.optim.Adam([p for p in automaton.parameters() if p.requires_grad], lr=2e-3)
for step in range(6):
    pick = torch.randperm(16)[:4]
    x = pool[pick]
    x[0] = seed
    for _ in range(6):
        x = automaton(x)
    loss = F.mse_loss(x[:, :4], target.expand(4, -1, -1, -1))
    optimizer.zero_grad()
    loss.backward()
    for p in automaton.parameters():
        if p.grad is not None:
            p.grad /= p.grad.norm() + 1e-8
    optimizer.step()
    pool[pick] = x.detach()
    print(step, loss.item())
