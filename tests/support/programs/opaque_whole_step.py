# feature: whole step compiled with --compile=opaque
# group: Compilation
# level: gap
# known: Which parameters the region gave gradient and moved; not by which loss.
# gap: was watched from outside
# options: --frozen critic --compile=opaque
# expect: leak critic.*
import torch
from torch import nn
torch.manual_seed(0)
encoder, head, critic = nn.Linear(4, 8), nn.Linear(8, 1), nn.Linear(1, 1)
held = [*encoder.parameters(), *head.parameters(), *critic.parameters()]
opt = torch.optim.SGD(held, lr=0.1)  # right: critic.requires_grad_(False); opt = torch.optim.SGD(held, lr=0.1)
@torch.compile(backend="aot_eager")
def train(x):
    opt.zero_grad()
    loss = critic(head(encoder(x)).tanh()).pow(2).mean()
    loss.backward()
    opt.step()
    return loss
for _ in range(3):
    print(train(torch.randn(16, 4)).item())
