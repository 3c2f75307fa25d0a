"""Random training programs as source text: networks wired at random, cuts of every kind, random freezes and optimizers."""

import random

LAYERS = (
    "nn.Linear(4, 4)", "nn.Sequential(nn.Linear(4, 4), nn.Tanh())", "nn.LayerNorm(4)", "nn.BatchNorm1d(4)",
    "nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.2))", "Gate()", "nn.utils.parametrizations.weight_norm(nn.Linear(4, 4))",
)  # fmt: skip
CUTS = (
    "{x}.detach()", "{x}.data", "torch.tensor({x}.tolist())", "torch.from_numpy({x}.detach().numpy().copy())",
    "torch.from_numpy({x}.detach().numpy())", "{x}.argmax(1, keepdim=True).float().expand(6, 4)", "({x} > 0).float()",
    "{x}.long().float()", "torch.round({x})", "torch.sign({x})", "{x}.clamp(50, 60)", "{x} * 0.0", "quiet({x})",
    "frozen_forward({x})", "Straight.apply({x})", "Dropping.apply({x})", "checkpoint(torch.tanh, {x}, use_reentrant=False)",
    "checkpoint(torch.tanh, {x}, use_reentrant=True)", "F.one_hot({x}.argmax(1), 4).float()", "torch.full((6, 4), {x}.mean().item())",
    "nn.Parameter({x}.detach()).detach()", "{x} + ({x}.round() - {x}).detach()", "inferred({x})",
)  # fmt: skip
JOINS = (
    "{a} + {b}", "{a} * {b}", "torch.cat([{a}, {b}], 1)[:, 2:6]", "torch.where({a} > 0, {a}, {b})", "torch.stack([{a}, {b}]).mean(0)",
    "written({a}, {b})", "torch.einsum('ij,ij->ij', {a}, {b})", "sum(torch.chunk(torch.cat([{a}, {b}], 1), 2, 1))",
)  # fmt: skip
OPTIMIZERS = (
    "torch.optim.SGD({p}, lr=0.1)", "torch.optim.SGD({p}, lr=0.1, momentum=0.9, weight_decay=0.01)", "torch.optim.Adam({p}, lr=0.01)",
    "torch.optim.AdamW({p}, lr=0.01, weight_decay=0.1)", "torch.optim.SGD({p}, lr=0.0)", "torch.optim.RMSprop({p}, lr=0.01)",
    "torch.optim.Adam({p}, lr=0.01, foreach=True)", "torch.optim.Adam({p}, lr=0.01, fused=True)", "Own({p}, {{}})",
)  # fmt: skip
ZEROING = (
    "{o}.zero_grad()",
    "{o}.zero_grad(set_to_none=False)",
    "[setattr(p, 'grad', None) for p in parameters]",
    "pass",
)

PRELUDE = """
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.checkpoint import checkpoint
torch.manual_seed({seed})

class Gate(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(4))
        self.inner = nn.Linear(4, 4, bias=False)
    def forward(self, x):
        return self.inner(x) * self.scale

class Straight(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.round()
    @staticmethod
    def backward(ctx, grad):
        return grad

class Dropping(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2
    @staticmethod
    def backward(ctx, grad):
        return None

class Own(torch.optim.Optimizer):
    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p.data -= 0.1 * p.grad

@torch.no_grad()
def quiet(x):
    return torch.sin(x)

def inferred(x):
    with torch.inference_mode():
        y = torch.sin(x)
    return y.clone()

def frozen_forward(x):
    with torch.set_grad_enabled(False):
        return x * 3

def written(a, b):
    out = torch.zeros(6, 4)
    out[:, :2] = a[:, :2]
    out[:, 2:] = b[:, 2:]
    return out.add_(0.1)
"""


def program(seed: int) -> str:
    """Return the source of one training program; it calls `probe(event)` after every backward and around every step."""
    draw = random.Random(seed)
    names = [f"net{i}" for i in range(draw.randint(2, 5))]
    lines = [PRELUDE.replace("{seed}", str(seed))]
    lines += [f"{name} = {draw.choice(LAYERS)}" for name in names]
    if draw.random() < 0.2:
        lines += ["net0 = nn.Linear(4, 4)", "net1 = nn.Linear(4, 4)", "net1.weight = net0.weight"]
    lines += ["head = nn.Linear(4, 4)", "free = nn.Parameter(torch.ones(4))"]
    everything = [*names, "head"]
    lines.append(f"modules = dict({', '.join(f'{n}={n}' for n in everything)})")
    lines += [f"{n}.requires_grad_(False)" for n in names if draw.random() < 0.25]
    lines += [f"next({n}.parameters()).requires_grad_(True)" for n in names if draw.random() < 0.1]
    held = [n for n in everything if draw.random() < 0.85] or ["head"]
    split = draw.randint(1, len(held)) if draw.random() < 0.4 else len(held)
    groups = [held[:split], held[split:]] if held[split:] else [held]
    lines.append("parameters = [p for m in modules.values() for p in m.parameters()] + [free]")
    for i, group in enumerate(groups):
        own = [f"list({n}.parameters())" for n in group] + (["[free]"] if i == 0 and draw.random() < 0.5 else [])
        chosen = f"list(dict.fromkeys({' + '.join(own)}))"
        if i:
            chosen = f"[p for p in {chosen} if all(p is not q for g in opt0.param_groups for q in g['params'])] or [nn.Parameter(torch.ones(1))]"
        lines.append(f"opt{i} = {draw.choice(OPTIMIZERS).format(p=chosen)}")
    body = ["x = torch.randn(6, 4)"]
    values = ["x"]
    for i, name in enumerate(names):
        source = draw.choice(values[-2:])
        body.append(f"v{i} = {name}({source})")
        values.append(f"v{i}")
        if draw.random() < 0.45:
            body.append(f"c{i} = {draw.choice(CUTS).format(x=values[-1])}")
            values.append(f"c{i}")
        if len(values) > 2 and draw.random() < 0.6:
            body.append(f"j{i} = {draw.choice(JOINS).format(a=values[-1], b=draw.choice(values[:-1]))}")
            values.append(f"j{i}")
    body.append(f"out = head({values[-1]}) * free")
    losses = ["loss_a = out.square().mean()"]
    if draw.random() < 0.4:
        losses.append(f"loss_b = {draw.choice(values[1:])}.abs().mean()")
    zeroing = [draw.choice(ZEROING).format(o=f"opt{i}") for i in range(len(groups))]
    body += losses
    body += [*zeroing, "probe('zeroed', '')"]
    for loss in losses:
        name = loss.partition(" ")[0]
        body.append(f"if {name}.requires_grad: {name}.backward(retain_graph=True); probe('backward', '{name}')")
    for i in range(len(groups)):
        body += ["probe('before', '')", f"opt{i}.step()", "probe('after', '')"]
    if draw.random() < 0.2:
        body += ["with torch.no_grad():", f"    next({draw.choice(names)}.parameters()).lerp_(torch.ones(()), 0.1)"]
    lines.append(f"for step in range({draw.randint(2, 3)}):")
    lines += [f"    {line}" for line in body]
    lines.append("probe('end', '')")
    return "\n".join(lines) + "\n"
