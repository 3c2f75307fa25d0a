# feature: stack_module_state (an ensemble)
# group: torch.func
# level: gap
# known: The stacked parameters, which are what is trained.
# gap: torch.func.vmap
# options: --frozen critic
# expect: leak critic.*
# expect: blockage encoder.*
import torch
from torch import nn
torch.manual_seed(0)
encoder, middle, head, critic = nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, 1), nn.Linear(1, 1)
from torch.func import functional_call, stack_module_state
copies = [nn.Linear(8, 8) for _ in range(3)]
stacked, buffers = stack_module_state(copies)
def run(weights, buffers, x):
    return functional_call(copies[0], (weights, buffers), (x,))
held = [*encoder.parameters(), *stacked.values(), *head.parameters(), *critic.parameters()]
opt = torch.optim.SGD(held, lr=0.1)  # <- blame  # right: critic.requires_grad_(False); opt = torch.optim.SGD(held, lr=0.1)
for step in range(3):
    signal = encoder(torch.randn(16, 4)).detach()  # <- blame 2  # right: signal = encoder(torch.randn(16, 4))
    hidden = torch.vmap(run, (0, 0, None))(stacked, buffers, signal).mean(0)
    loss = critic(head(hidden).tanh()).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(loss.item())
