# feature: grad, jacrev, jvp
# group: torch.func
# level: gap
# known: As vmap.
# gap: torch.func.
# options: --frozen critic
# expect: leak critic.*
# expect: blockage encoder.*
import torch
from torch import nn
torch.manual_seed(0)
encoder, middle, head, critic = nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, 1), nn.Linear(1, 1)
held = [*encoder.parameters(), *middle.parameters(), *head.parameters(), *critic.parameters()]
opt = torch.optim.SGD(held, lr=0.1)  # <- blame  # right: critic.requires_grad_(False); opt = torch.optim.SGD(held, lr=0.1)
for step in range(3):
    signal = encoder(torch.randn(16, 4)).detach()  # <- blame 2  # right: signal = encoder(torch.randn(16, 4))
    slope = torch.func.vmap(torch.func.grad(lambda row: middle(row).pow(2).sum()))(signal)
    _, push = torch.func.jvp(middle, (signal,), (torch.ones_like(signal),))
    jacobian = torch.func.jacrev(lambda row: middle(row).tanh())(signal[0])
    hidden = middle(signal) + slope + push + jacobian.sum(0)
    loss = critic(head(hidden).tanh()).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(loss.item())
