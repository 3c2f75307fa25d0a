# feature: torch.compile of a module
# group: Compilation
# level: traced
# known: Every op, since compiled code runs eagerly while the window is open; a line inside is named.
# gap: torch.compile was set aside
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
        x = self.inner(x).detach()  # <- blame 3  # right: x = self.inner(x)
        return self.outer(x)
middle = Block()
compiled = torch.compile(middle, backend="aot_eager")
held = [*encoder.parameters(), *middle.parameters(), *head.parameters(), *critic.parameters()]
opt = torch.optim.SGD(held, lr=0.1)  # <- blame  # right: critic.requires_grad_(False); opt = torch.optim.SGD(held, lr=0.1)
for step in range(3):
    signal = encoder(torch.randn(16, 4)).detach()  # <- blame 2  # right: signal = encoder(torch.randn(16, 4))
    hidden = compiled(signal)
    loss = critic(head(hidden).tanh()).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(loss.item())
