import copy

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.func import functional_call, stack_module_state, vmap


def make_member(seed, width=10):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, width), nn.Tanh(), nn.Linear(width, 2))


class EnsembleRegressor:
    """Five small networks, run in one vectorised call."""

    def __init__(self, models):
        self.params, self.buffers = stack_module_state(list(models))
        self.base = copy.deepcopy(models[0]).to("meta")

    def _single(self, params, buffers, x):
        return functional_call(self.base, (params, buffers), (x,))

    def __call__(self, x):
        out = vmap(self._single, in_dims=(0, 0, None))(self.params, self.buffers, x)
        mean, log_var = out.chunk(2, dim=-1)
        return mean, log_var.clamp(-6, 4)

    @torch.no_grad()
    def export(self, models):
        for i, model in enumerate(models):
            for name, p in model.named_parameters():
                p.copy_(self.params[name][i])


def gaussian_nll(mean, log_var, y):
    return 0.5 * ((y - mean) ** 2 * torch.exp(-log_var) + log_var).mean()


members = nn.ModuleList(make_member(s) for s in range(5))
ensemble = EnsembleRegressor(members)
optimizer = torch.optim.Adam(ensemble.params.values(), lr=5e-3)
generator = torch.Generator().manual_seed(12)

for step in range(6):
    x = torch.rand(32, 3, generator=generator) * 2 - 1
    y = torch.sin(3 * x.sum(1, keepdim=True))
    mean, log_var = ensemble(x)
    loss = gaussian_nll(mean, log_var, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, f"nll {loss.item():.5f} spread {mean.std(0).mean().item():.5f}")
ensemble.export(members)
