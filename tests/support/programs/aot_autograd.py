# feature: AOT autograd: aot_module, aot_function
# group: Compilation
# level: gap
# known: The compiled function as one op from its inputs and parameters; gradients and updates are the engine's own word.
# gap: AOT autograd
# options: --frozen critic
# expect: leak critic.*
# expect: blockage encoder.*
import torch
import torch.nn.functional as F
from torch import nn
torch.manual_seed(0)
encoder, middle, head, critic = nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, 1), nn.Linear(1, 1)
from torch._functorch.aot_autograd import aot_function, aot_module
first = nn.Linear(8, 8)
compiled = aot_module(first, fw_compiler=lambda graph, inputs: graph)
block = aot_function(F.linear, fw_compiler=lambda graph, inputs: graph)
held = [*encoder.parameters(), *first.parameters(), *middle.parameters(), *head.parameters(), *critic.parameters()]
opt = torch.optim.SGD(held, lr=0.1)  # <- blame  # right: critic.requires_grad_(False); opt = torch.optim.SGD(held, lr=0.1)
for step in range(3):
    signal = encoder(torch.randn(16, 4)).detach()  # <- blame 2  # right: signal = encoder(torch.randn(16, 4))
    hidden = block(compiled(signal), middle.weight, middle.bias)
    loss = critic(head(hidden).tanh()).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(loss.item())
