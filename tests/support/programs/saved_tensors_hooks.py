# feature: saved_tensors_hooks, save_on_cpu
# group: Checkpointing
# level: traced
# known: Every op; what is packed and unpacked is not part of the data path.
# options: --frozen critic
# expect: leak critic.*
# expect: blockage encoder.*
import torch
from torch import nn
torch.manual_seed(0)
encoder, middle, head, critic = nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, 1), nn.Linear(1, 1)
held = [*encoder.parameters(), *middle.parameters(), *head.parameters(), *critic.parameters()]
opt = torch.optim.SGD(held, lr=0.1)  # <- blame  # right: critic.requires_grad_(False); opt = torch.optim.SGD(held, lr=0.1)
for step in range(3):
    signal = encoder(torch.randn(16, 4)).detach()  # <- blame 2  # right: signal = encoder(torch.randn(16, 4))
    with torch.autograd.graph.save_on_cpu():
        hidden = middle(signal).relu()
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t.numpy(force=True), torch.from_numpy):
        hidden = hidden * hidden
    loss = critic(head(hidden).tanh()).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(loss.item())
