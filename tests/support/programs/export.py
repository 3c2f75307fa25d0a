# feature: torch.export-ed module, trained
# group: Compilation
# level: traced
# known: Every op of the exported program.
# options: --frozen critic
# expect: leak critic.*
# expect: blockage encoder.*
import torch
from torch import nn
torch.manual_seed(0)
encoder, head, critic = nn.Linear(4, 8), nn.Linear(8, 1), nn.Linear(1, 1)
exported = torch.export.export(nn.Linear(8, 8), (torch.randn(16, 8),)).module()
middle = exported
held = [*encoder.parameters(), *middle.parameters(), *head.parameters(), *critic.parameters()]
opt = torch.optim.SGD(held, lr=0.1)  # <- blame  # right: critic.requires_grad_(False); opt = torch.optim.SGD(held, lr=0.1)
for step in range(3):
    signal = encoder(torch.randn(16, 4)).detach()  # <- blame 2  # right: signal = encoder(torch.randn(16, 4))
    hidden = exported(signal)
    loss = critic(head(hidden).tanh()).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(loss.item())
