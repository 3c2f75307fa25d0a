# expect: blockage scout.*
import torch
from torch import nn

torch.manual_seed(34)
scout = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1))
critic = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1))
optimizer = torch.optim.Adam([*scout.parameters(), *critic.parameters()], lr=0.01)


def best(options):
    with torch.no_grad():
        return scout(options).squeeze(-1).argmax(1)


def loss_on(options, reward):
    chosen = best(options)
    here = torch.arange(len(options))
    value = critic(options[here, chosen]).squeeze(-1)
    return nn.functional.mse_loss(value, reward[here, chosen])  # <- blame


for step in range(4):
    options = torch.randn(16, 5, 4)
    loss = loss_on(options, options.mean(-1))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
