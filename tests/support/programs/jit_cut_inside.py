# feature: cut inside TorchScript
# group: TorchScript
# level: gap
# known: That a parameter inside gets no gradient, with the call in place of the line.
# gap: TorchScript
# options: --frozen critic
# expect: leak critic.*
# expect: blockage encoder.*
# expect: blockage middle.inner.*
import torch
from torch import nn
torch.manual_seed(0)
encoder, head, critic = nn.Linear(4, 8), nn.Linear(8, 1), nn.Linear(1, 1)
class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner, self.outer = nn.Linear(8, 8), nn.Linear(8, 8)
    def forward(self, x):
        x = self.inner(x).detach()  # right: x = self.inner(x)
        return self.outer(x)
middle = torch.jit.script(Block())
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
