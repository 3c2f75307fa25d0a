# feature: scaled_dot_product_attention
# group: Modules
# level: traced
# known: Each call as one op.
# options: --frozen critic
# expect: leak critic.*
# expect: blockage encoder.*
import torch
import torch.nn.functional as F
from torch import nn
torch.manual_seed(0)
encoder, head, critic = nn.Linear(4, 8), nn.Linear(8, 1), nn.Linear(1, 1)
middle = nn.Linear(8, 24)
held = [*encoder.parameters(), *middle.parameters(), *head.parameters(), *critic.parameters()]
opt = torch.optim.SGD(held, lr=0.1)  # <- blame  # right: critic.requires_grad_(False); opt = torch.optim.SGD(held, lr=0.1)
for step in range(3):
    signal = encoder(torch.randn(16, 4)).detach()  # <- blame 2  # right: signal = encoder(torch.randn(16, 4))
    hidden = F.scaled_dot_product_attention(*middle(signal).view(16, 3, 8).transpose(0, 1).unsqueeze(1)).view(16, 8)
    loss = critic(head(hidden).tanh()).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(loss.item())
