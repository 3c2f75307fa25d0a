# feature: inference_mode around a part
# group: Kinds of tensors
# level: traced
# known: Every op; the line that enters the mode is named.
# options: --frozen critic
# expect: leak critic.*
# expect: blockage encoder.*
# expect: blockage inner.*
import torch
from torch import nn
torch.manual_seed(0)
encoder, middle, head, critic = nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, 1), nn.Linear(1, 1)
inner = nn.Linear(8, 8)
held = [*encoder.parameters(), *middle.parameters(), *head.parameters(), *critic.parameters(), *inner.parameters()]
opt = torch.optim.SGD(held, lr=0.1)  # <- blame  # right: critic.requires_grad_(False); opt = torch.optim.SGD(held, lr=0.1)
for step in range(3):
    signal = encoder(torch.randn(16, 4)).detach()  # <- blame 2  # right: signal = encoder(torch.randn(16, 4))
    with torch.inference_mode():  # <- blame 3  # right: with torch.enable_grad():
        target = inner(signal)
    hidden = middle(signal) * target.clone()
    loss = critic(head(hidden).tanh()).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(loss.item())
