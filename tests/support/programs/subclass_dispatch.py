# feature: wrapper subclasses (__torch_dispatch__)
# group: Kinds of tensors
# level: traced
# known: Every op on the wrappers; gradients and updates of wrapped parameters by value.
# options: --frozen critic
# expect: leak critic.*
# expect: blockage encoder.*
import torch
import torch.nn.functional as F
from torch import nn
torch.manual_seed(0)
encoder, middle, head, critic = nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, 1), nn.Linear(1, 1)
import torch.utils._pytree as pytree
class Unwrap(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.elem
    @staticmethod
    def backward(ctx, g):
        return Wrapped(g)
class Wrapped(torch.Tensor):
    @staticmethod
    def __new__(cls, elem):
        return torch.Tensor._make_wrapper_subclass(cls, elem.shape, dtype=elem.dtype, requires_grad=elem.requires_grad)
    def __init__(self, elem):
        self.elem = elem.detach()
    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        plain = lambda t: t.elem if isinstance(t, Wrapped) else t
        out = func(*pytree.tree_map(plain, args), **pytree.tree_map(plain, kwargs or {}))
        return pytree.tree_map(lambda t: Wrapped(t) if isinstance(t, torch.Tensor) else t, out)
    def unwrap(self):
        return Unwrap.apply(self)
held = [*encoder.parameters(), *middle.parameters(), *head.parameters(), *critic.parameters()]
opt = torch.optim.SGD(held, lr=0.1)  # <- blame  # right: critic.requires_grad_(False); opt = torch.optim.SGD(held, lr=0.1)
for step in range(3):
    signal = encoder(torch.randn(16, 4)).detach()  # <- blame 2  # right: signal = encoder(torch.randn(16, 4))
    hidden = F.linear(Wrapped(signal.detach()), middle.weight, middle.bias).unwrap() + signal
    loss = critic(head(hidden).tanh()).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(loss.item())
