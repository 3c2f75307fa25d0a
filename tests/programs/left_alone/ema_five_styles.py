"""The same average written five ways, all kept beside one training run and compared at the end."""
import copy
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

torch.manual_seed(6)
DECAY = 0.9


class ShadowDict:
    def __init__(self, model):
        self.shadow = {k: v.detach().clone() for k, v in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model):
        for k, v in model.state_dict().items():
            if v.dtype.is_floating_point:
                self.shadow[k].mul_(DECAY).add_(v, alpha=1 - DECAY)
            else:
                self.shadow[k].copy_(v)


def style_copy(dst, src):
    with torch.no_grad():
        for a, b in zip(dst.parameters(), src.parameters()):
            a.lerp_(b, 1 - DECAY)
        for a, b in zip(dst.buffers(), src.buffers()):
            a.copy_(b)


def style_data(dst, src):
    for a, b in zip(dst.parameters(), src.parameters()):
        a.data = DECAY * a.data + (1 - DECAY) * b.data
    for a, b in zip(dst.buffers(), src.buffers()):
        a.data.copy_(b.data)


def style_state_dict(dst, src):
    d, s = dst.state_dict(), src.state_dict()
    new = {k: (DECAY * d[k] + (1 - DECAY) * s[k]) if s[k].dtype.is_floating_point else s[k] for k in s}
    dst.load_state_dict(new)


model = nn.Sequential(nn.Linear(8, 16, bias=False), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 1))
by_dict = ShadowDict(model)
by_copy = copy.deepcopy(model).requires_grad_(False).eval()
by_data = copy.deepcopy(model).eval()
for p in by_data.parameters():
    p.requires_grad = False
by_sd = copy.deepcopy(model).eval()
for p in by_sd.parameters():
    p.requires_grad_(False)
by_torch = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(DECAY), use_buffers=True)
by_torch.requires_grad_(False)
by_torch.update_parameters(model)      # first call copies

opt = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
x, y = torch.randn(128, 8), torch.randn(128, 1)
for step in range(12):
    i = torch.randint(0, 128, (32,))
    loss = nn.functional.mse_loss(model(x[i]), y[i])
    opt.zero_grad()
    loss.backward()
    opt.step()
    by_dict.update(model)
    style_copy(by_copy, model)
    style_data(by_data, model)
    style_state_dict(by_sd, model)
    by_torch.update_parameters(model)

by_torch.eval()
from_dict = copy.deepcopy(by_copy)
from_dict.load_state_dict(by_dict.shadow)
with torch.no_grad():
    for n, m in [("copy", by_copy), ("data", by_data), ("sd", by_sd), ("dict", from_dict), ("torch", by_torch)]:
        print(n, nn.functional.mse_loss(m(x), y).item())
