# feature: forward and full backward hooks of modules
# group: Hooks
# level: traced
# known: Every op, those of the hooks included; a line in a hook is named.
# options: --frozen critic
# expect: leak critic.*
# expect: blockage encoder.*
# expect: blockage inner.*
import torch
from torch import nn
torch.manual_seed(0)
encoder, middle, head, critic = nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, 1), nn.Linear(1, 1)
inner = nn.Linear(8, 8)
def replace(module, args, output):
    return output + inner(args[0]).detach()  # <- blame 3  # right: return output + inner(args[0])
middle.register_forward_hook(replace)
middle.register_full_backward_hook(lambda module, given, received: (given[0] * 2,) if given[0] is not None else None)
held = [*encoder.parameters(), *middle.parameters(), *head.parameters(), *critic.parameters(), *inner.parameters()]
opt = torch.optim.SGD(held, lr=0.1)  # <- blame  # right: critic.requires_grad_(False); opt = torch.optim.SGD(held, lr=0.1)
for step in range(3):
    signal = encoder(torch.randn(16, 4)).detach()  # <- blame 2  # right: signal = encoder(torch.randn(16, 4))
    hidden = middle(signal)
    loss = critic(head(hidden).tanh()).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(loss.item())
