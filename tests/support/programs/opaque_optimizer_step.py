# feature: compiled optimizer step with --compile=opaque
# group: Compilation
# level: gap
# known: The step, by what it moved.
# gap: was watched from outside
# options: --frozen critic --compile=opaque
# expect: leak critic.*
# expect: blockage encoder.*
import torch
from torch import nn
torch.manual_seed(0)
encoder, middle, head, critic = nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, 1), nn.Linear(1, 1)
held = [*encoder.parameters(), *middle.parameters(), *head.parameters(), *critic.parameters()]
opt = torch.optim.SGD(held, lr=0.1)  # <- blame  # right: critic.requires_grad_(False); opt = torch.optim.SGD(held, lr=0.1)
stepping = torch.compile(opt.step, backend="aot_eager")
for step in range(3):
    signal = encoder(torch.randn(16, 4)).detach()  # <- blame 2  # right: signal = encoder(torch.randn(16, 4))
    hidden = middle(signal)
    loss = critic(head(hidden).tanh()).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    stepping()
    print(loss.item())
