# feature: complex tensors
# group: Kinds of tensors
# level: traced
# known: Every op.
# options: --frozen critic
# expect: leak critic.*
# expect: blockage encoder.*
import torch
from torch import nn
torch.manual_seed(0)
encoder, middle, head, critic = nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, 1), nn.Linear(1, 1)
filter = nn.Parameter(torch.randn(8, dtype=torch.complex64))
held = [*encoder.parameters(), *middle.parameters(), filter, *head.parameters(), *critic.parameters()]
opt = torch.optim.SGD(held, lr=0.1)  # <- blame  # right: critic.requires_grad_(False); opt = torch.optim.SGD(held, lr=0.1)
for step in range(3):
    signal = encoder(torch.randn(16, 4)).detach()  # <- blame 2  # right: signal = encoder(torch.randn(16, 4))
    spectrum = torch.fft.fft(middle(signal)) * filter
    hidden = torch.fft.ifft(spectrum).real + torch.view_as_real(spectrum)[..., 1]
    loss = critic(head(hidden).tanh()).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(loss.item())
