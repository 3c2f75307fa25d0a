# feature: optimizer step in the backward (post-accumulate hooks)
# group: Optimizers
# level: traced
# known: Which step moved which parameter, inside the backward.
# options: --frozen critic
# expect: leak critic.*
# expect: blockage encoder.*
import torch
from torch import nn
torch.manual_seed(0)
encoder, head, critic = nn.Linear(4, 8), nn.Linear(8, 1), nn.Linear(1, 1)
held = [*encoder.parameters(), *head.parameters(), *critic.parameters()]  # right: held = [*encoder.parameters(), *head.parameters()]
critic.requires_grad_(True)  # right: critic.requires_grad_(False)
optimizers = {p: torch.optim.SGD([p], lr=0.1) for p in held}
def hook(p):
    optimizers[p].step()
    optimizers[p].zero_grad()
for p in held:
    p.register_post_accumulate_grad_hook(hook)
for _ in range(3):
    hidden = encoder(torch.randn(16, 4)).detach()  # <- blame 2  # right: hidden = encoder(torch.randn(16, 4))
    loss = critic(head(hidden).tanh()).pow(2).mean()
    loss.backward()
    print(loss.item())
