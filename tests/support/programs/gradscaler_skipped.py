# feature: GradScaler: a skipped step, fused optimizer
# group: Mixed precision
# level: traced
# known: That a step was skipped because of a gradient that is not finite; that it moved nothing is told by value.
# options: --frozen critic
# expect: leak critic.*
# expect: blockage encoder.*
import torch
from torch import nn
torch.manual_seed(0)
encoder, middle, head, critic = nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, 1), nn.Linear(1, 1)
scaler = torch.amp.GradScaler("cpu", init_scale=65536.0)
held = [*encoder.parameters(), *middle.parameters(), *head.parameters(), *critic.parameters()]
opt = torch.optim.SGD(held, lr=0.1, fused=True)  # <- blame  # right: critic.requires_grad_(False); opt = torch.optim.SGD(held, lr=0.1, fused=True)
for step in range(3):
    signal = encoder(torch.randn(16, 4)).detach()  # <- blame 2  # right: signal = encoder(torch.randn(16, 4))
    hidden = middle(signal) * (1e38 if step == 0 else 1.0) ** 2
    loss = critic(head(hidden)).pow(2).mean()
    opt.zero_grad()
    scaler.scale(loss).backward()
    scaler.step(opt)
    scaler.update()
    print(loss.item())
