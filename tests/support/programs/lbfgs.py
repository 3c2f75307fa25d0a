# feature: LBFGS (closure)
# group: Optimizers
# level: traced
# known: Every forward and backward inside the step.
# options: --frozen critic
# expect: leak critic.*
# expect: blockage encoder.*
import torch
from torch import nn
torch.manual_seed(0)
encoder, head, critic = nn.Linear(4, 8), nn.Linear(8, 1), nn.Linear(1, 1)
held = [*encoder.parameters(), *head.parameters(), *critic.parameters()]
opt = torch.optim.LBFGS(held, lr=0.1, max_iter=3)  # <- blame  # right: critic.requires_grad_(False); opt = torch.optim.LBFGS(held, lr=0.1, max_iter=3)
for _ in range(3):
    x = torch.randn(16, 4)
    def closure():
        opt.zero_grad()
        hidden = encoder(x).detach()  # <- blame 2  # right: hidden = encoder(x)
        loss = critic(head(hidden).tanh()).pow(2).mean()
        loss.backward()
        return loss
    print(opt.step(closure).item())
