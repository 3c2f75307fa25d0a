import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.func import functional_call

torch.manual_seed(86)
INNER_LR = 0.1
base = nn.Sequential(nn.Linear(1, 24), nn.Tanh(), nn.Linear(24, 1))
modulator = nn.Linear(2, 24)          # task code -> shift of the hidden bias
meta_opt = torch.optim.Adam([*base.parameters(), *modulator.parameters()], lr=2e-3)


def predict(params, x):
    return functional_call(base, params, (x,))


def adapt(x, y, code):
    params = dict(base.named_parameters())
    params["0.bias"] = params["0.bias"] + modulator(code)
    inner = F.mse_loss(predict(params, x), y)
    (g,) = torch.autograd.grad(inner, [params["0.bias"]], create_graph=True)
    params["0.bias"] = params["0.bias"] - INNER_LR * g
    return params


def sample_task():
    amp, phase = torch.rand(()) * 2 + 0.5, torch.rand(()) * 3
    x = torch.rand(20, 1) * 6 - 3
    return x, amp * torch.sin(x + phase), torch.stack([amp, phase])


for it in range(6):
    meta_loss = 0.0
    for _ in range(3):
        x, y, code = sample_task()
        fast = adapt(x[:10], y[:10], code)
        meta_loss = meta_loss + F.mse_loss(predict(fast, x[10:]), y[10:]) / 3
    meta_opt.zero_grad()
    meta_loss.backward()
    meta_opt.step()
    print(it, meta_loss.item())
