# feature: custom autograd.Function that drops a gradient
# group: Functions of one's own
# level: traced
# known: Which parameter its backward leaves without gradient.
# options: --frozen critic
# expect: leak critic.*
# expect: blockage encoder.*
# expect: blockage inner.*
import torch
from torch import nn
torch.manual_seed(0)
encoder, middle, head, critic = nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, 1), nn.Linear(1, 1)
inner = nn.Linear(8, 8)
class Mixed(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, y):
        return x + y
    @staticmethod
    def backward(ctx, g):
        return g, None  # <- blame 3  # right: return g, g
held = [*encoder.parameters(), *middle.parameters(), *head.parameters(), *critic.parameters(), *inner.parameters()]
opt = torch.optim.SGD(held, lr=0.1)  # <- blame  # right: critic.requires_grad_(False); opt = torch.optim.SGD(held, lr=0.1)
for step in range(3):
    signal = encoder(torch.randn(16, 4)).detach()  # <- blame 2  # right: signal = encoder(torch.randn(16, 4))
    hidden = Mixed.apply(middle(signal), inner(signal))
    loss = critic(head(hidden).tanh()).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(loss.item())
