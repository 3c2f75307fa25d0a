# feature: whole step compiled as one function
# group: Compilation
# level: traced
# known: Every op, the backward and the step, run eagerly.
# gap: torch.compile was set aside
# options: --frozen critic
# expect: leak critic.*
# expect: blockage encoder.*
import torch
from torch import nn
torch.manual_seed(0)
encoder, head, critic = nn.Linear(4, 8), nn.Linear(8, 1), nn.Linear(1, 1)
held = [*encoder.parameters(), *head.parameters(), *critic.parameters()]
opt = torch.optim.SGD(held, lr=0.1)  # <- blame  # right: critic.requires_grad_(False); opt = torch.optim.SGD(held, lr=0.1)
@torch.compile(backend="aot_eager")
def train(x):
    opt.zero_grad()
    hidden = encoder(x).detach()  # <- blame 2  # right: hidden = encoder(x)
    loss = critic(head(hidden).tanh()).pow(2).mean()
    loss.backward()
    opt.step()
    return loss
for _ in range(3):
    print(train(torch.randn(16, 4)).item())
