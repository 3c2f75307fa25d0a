# feature: checkpoint, reentrant
# group: Checkpointing
# level: traced
# known: Every op of the forward, judged as it is computed again, with grad on; a line inside is named.
# options: --frozen critic
# expect: leak critic.*
# expect: blockage encoder.*
# expect: blockage inner.*
import torch
from torch import nn
torch.manual_seed(0)
encoder, middle, head, critic = nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, 1), nn.Linear(1, 1)
from torch.utils.checkpoint import checkpoint
inner, outer, fixed = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 8)
def block(x):
    with torch.no_grad():
        scale = fixed(x).sigmoid()
    return outer(x) * scale + inner(x).detach()  # <- blame 3  # right: return outer(x) * scale + inner(x)
held = [*encoder.parameters(), *middle.parameters(), *head.parameters(), *critic.parameters(), *outer.parameters(), *inner.parameters()]
opt = torch.optim.SGD(held, lr=0.1)  # <- blame  # right: critic.requires_grad_(False); opt = torch.optim.SGD(held, lr=0.1)
for step in range(3):
    signal = encoder(torch.randn(16, 4)).detach()  # <- blame 2  # right: signal = encoder(torch.randn(16, 4))
    hidden = checkpoint(block, middle(signal), use_reentrant=True)
    loss = critic(head(hidden).tanh()).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(loss.item())
