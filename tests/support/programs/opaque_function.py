# feature: compiled function with --compile=opaque
# group: Compilation
# level: gap
# known: As with a module; the parameters are those of the modules that the function takes from around it.
# gap: was watched from outside
# options: --frozen critic --compile=opaque
# expect: leak critic.*
# expect: blockage encoder.*
import torch
import torch.nn.functional as F
from torch import nn
torch.manual_seed(0)
encoder, middle, head, critic = nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, 1), nn.Linear(1, 1)
@torch.compile(fullgraph=True, backend="aot_eager")
def block(x):
    return F.dropout(middle(x), 0.5)
held = [*encoder.parameters(), *middle.parameters(), *head.parameters(), *critic.parameters()]
opt = torch.optim.SGD(held, lr=0.1)  # <- blame  # right: critic.requires_grad_(False); opt = torch.optim.SGD(held, lr=0.1)
for step in range(3):
    signal = encoder(torch.randn(16, 4)).detach()  # <- blame 2  # right: signal = encoder(torch.randn(16, 4))
    hidden = block(signal)
    loss = critic(head(hidden).tanh()).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(loss.item())
