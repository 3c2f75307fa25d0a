"""JAX-school: params as a plain dict, torch.func.grad_and_value + vmap per-sample clipping, functional SGD."""
import torch
from torch import nn
from torch.func import functional_call, grad_and_value, vmap, stack_module_state


def init(seed):
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1))
    params = {k: v.detach().clone() for k, v in net.named_parameters()}
    return net.to("meta"), params


net, params = init(46)


def loss_fn(params, x, y):
    return ((functional_call(net, params, (x,)) - y) ** 2).mean()


per_sample = vmap(grad_and_value(loss_fn), in_dims=(None, 0, 0))
X = torch.randn(128, 4)
Y = (X[:, :1] - X[:, 1:2]).tanh()
mom = {k: torch.zeros_like(v) for k, v in params.items()}
for step in range(15):
    i = torch.randint(0, 128, (32,))
    grads, losses = per_sample(params, X[i].unsqueeze(1), Y[i].unsqueeze(1))
    norm = torch.stack([g.flatten(1).norm(dim=1) for g in grads.values()]).norm(dim=0)
    scale = (1.0 / (norm + 1e-6)).clamp(max=1.0)
    for k, g in grads.items():
        g = torch.einsum("n,n...->...", scale, g) / len(i)
        mom[k] = 0.9 * mom[k] + g + 0.01 * torch.randn_like(g)
        params[k] = params[k] - 0.1 * mom[k]
    if step % 5 == 0:
        print(step, losses.mean().item())
