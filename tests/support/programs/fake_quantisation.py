# feature: quantisation-aware training (torch.ao fake quantisation)
# group: Kinds of tensors
# level: traced
# known: Every op; fake quantisation passes the gradient through.
# options: --frozen critic
# expect: leak critic.*
# expect: blockage encoder.*
import torch
from torch import nn
torch.manual_seed(0)
encoder, middle, head, critic = nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, 1), nn.Linear(1, 1)
import warnings
warnings.simplefilter("ignore")
from torch.ao import quantization
middle = nn.Sequential(quantization.QuantStub(), nn.Linear(8, 8), quantization.DeQuantStub())
middle.qconfig = quantization.get_default_qat_qconfig("x86")
middle = quantization.prepare_qat(middle.train())
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
