# feature: module.compile()
# group: Compilation
# level: traced
# known: Every op, as with torch.compile.
# gap: torch.compile was set aside
# options: --frozen critic
# expect: leak critic.*
# expect: blockage encoder.*
import torch
from torch import nn
torch.manual_seed(0)
encoder, middle, head, critic = nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, 1), nn.Linear(1, 1)
middle.compile(backend="aot_eager")
held = [*encoder.parameters(), *middle.parameters(), *head.parameters(), *critic.parameters()]
opt = torch.optim.SGD(held, lr=0.1)  # <- blame  # right: critic.requires_grad_(False); opt = torch.optim.SGD(held, lr=0.1)
for step in range(3):
    signal = encoder(torch.randn(16, 4)).detach()  # <- blame 2  # right: signal = encoder(torch.randn(16, 4))
    hidden = middle(signal)
    loss = critic(head(hidden).tanh()).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(loss.item())
