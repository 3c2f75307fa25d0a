"""Random training programs as source text: networks wired at random, cuts of every kind, random freezes and optimizers.

A program calls `probe(event, thing)` where something is about to happen or has happened: "start" and "end" of training,
"backward" before and "fed" after a backward (with the loss's name), "zeroed" (with what was zeroed), and around a step
"step", "apply" and "after" (with the optimizer; "apply" is where the gradients are as the step uses them). Every value has
a variable of its own, assigned on a line of its own.
"""

import random
import re

NETWORKS = (
    "nn.Linear(4, 4)", "nn.Sequential(nn.Linear(4, 4), nn.Tanh())", "nn.LayerNorm(4)", "nn.BatchNorm1d(4)", "Gate()",
    "nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.2))", "nn.utils.parametrizations.weight_norm(nn.Linear(4, 4))",
    "Attention()", "Recurrent()", "Lookup()", "Listed()",
)  # fmt: skip
CUTS = (
    "{x}.detach()", "{x}.data", "torch.tensor({x}.tolist())", "torch.from_numpy({x}.detach().numpy().copy())",
    "torch.from_numpy({x}.detach().numpy())", "{x}.argmax(1, keepdim=True).float().expand(6, 4)", "({x} > 0).float()",
    "{x}.long().float()", "F.one_hot({x}.argmax(1), 4).float()", "torch.full((6, 4), {x}.mean().item())",
    "nn.Parameter({x}.detach()).detach()", "quiet({x})", "frozen_forward({x})", "inferred({x})", "copy.deepcopy({x}.detach())",
    "torch.stack([{x}.detach(), {x}.data]).sum(0)", "{x}.new_tensor({x}.tolist())",
)  # fmt: skip
FLATS = ("torch.round({x})", "torch.sign({x})", "{x}.clamp(50, 60)", "{x} * 0.0", "Dropping.apply({x})")
DECOYS = (  # these look like cuts and pass the gradient on
    "Straight.apply({x})", "checkpoint(torch.tanh, {x}, use_reentrant=False)", "{x} + ({x}.round() - {x}).detach()",
    "checkpoint(torch.tanh, {x}, use_reentrant=True)", "{x} * ({x} > 0).float()", "{x} / {x}.detach().norm()", "{x}[torch.randperm(6)]",
)  # fmt: skip
BLOCKS = (
    ("with torch.no_grad():", "    {c} = {f}({x})"),
    ("with torch.no_grad():", "    {c}m = torch.tanh({x})", "    {c} = {f}({c}m)"),
    ("with torch.no_grad():", "    {c}m = {x}.flatten()", "    {c} = {f}({c}m.view(6, 4))"),
    ("with torch.no_grad():", "    {c} = {x}.t()", "{c} = {c}.t()"),
    ("with torch.inference_mode():", "    {c}m = torch.tanh({x})", "{c} = {c}m.clone()"),
    ("torch.set_grad_enabled(False)", "{c} = {f}({x})", "torch.set_grad_enabled(True)"),
    ("{c}m = {x}.tolist()", "{c} = torch.tensor({c}m)"),
    ("{c}m = {x}.detach().numpy()", "{c} = torch.from_numpy({c}m * 2)"),
    ("{c} = {x}.clone()", "{c}[:, :2] = {x}.detach()[:, :2]"),
    ("{c} = torch.zeros(6, 4)", "{c}.copy_({x}.detach())"),
)
JOINS = (
    "{a} + {b}", "{a} * {b}", "torch.cat([{a}, {b}], 1)[:, 2:6]", "torch.where({a} > 0, {a}, {b})", "torch.stack([{a}, {b}]).mean(0)",
    "written({a}, {b})", "torch.einsum('ij,ij->ij', {a}, {b})", "sum(torch.chunk(torch.cat([{a}, {b}], 1), 2, 1))",
)  # fmt: skip
OPTIMIZERS = (
    "torch.optim.SGD({p}, lr=0.1)", "torch.optim.SGD({p}, lr=0.1, momentum=0.9, weight_decay=0.01)", "torch.optim.Adam({p}, lr=0.01)",
    "torch.optim.AdamW({p}, lr=0.01, weight_decay=0.1)", "torch.optim.SGD({p}, lr=0.0)", "torch.optim.RMSprop({p}, lr=0.01)",
    "torch.optim.Adam({p}, lr=0.01, foreach=True)", "torch.optim.Adam({p}, lr=0.01, fused=True)", "Own({p}, dict(lr=0.1))",
    "torch.optim.SGD({p}, lr=0.1, momentum=0.9, nesterov=True)", "torch.optim.SGD({p}, lr=0.1, fused=True)", "torch.optim.Adagrad({p}, lr=0.1)",
)  # fmt: skip
FREEZES = (
    ("{n}.requires_grad_(False)",),
    ("for p in {n}.parameters():", "    p.requires_grad = False"),
    ("next({n}.parameters()).requires_grad_(False)",),
    ("{n}.requires_grad_(False)", "next({n}.parameters()).requires_grad_(True)"),
    ("{n}.requires_grad = False",),
    ("{n}.eval()",),
)
WRITES = (
    ("with torch.no_grad():", "    next({n}.parameters()).lerp_(torch.ones(()), 0.1)"),
    ("for p in {n}.parameters():", "    p.data.clamp_(-0.3, 0.3)"),
    ("{n}.load_state_dict({{key: value * 0.5 for key, value in {n}.state_dict().items()}})",),
)

PRELUDE = """
import copy

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.checkpoint import checkpoint

torch.manual_seed(SEED)


class Gate(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(4))
        self.inner = nn.Linear(4, 4, bias=False)

    def forward(self, x):
        return self.inner(x) * self.scale


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.heads = nn.MultiheadAttention(4, 2)

    def forward(self, x):
        return self.heads(x, x, x, need_weights=False)[0]


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.GRU(4, 4)

    def forward(self, x):
        return self.cell(x)[0]


class Lookup(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(4, 4)

    def forward(self, x):
        return x + self.table(x.argmax(1))


class Listed(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = [nn.Linear(4, 4), nn.Linear(4, 4)]
        self.last = nn.Linear(4, 4)

    def forward(self, x):
        for block in self.blocks:
            x = torch.tanh(block(x))
        return self.last(x)


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
        if closure is not None:
            with torch.enable_grad():
                closure()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p.data -= group["lr"] * p.grad


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
    c = torch.zeros(6, 4)
    c[:, :2] = a[:, :2]
    c[:, 2:] = b[:, 2:]
    return c.add_(0.1)

"""


def program(seed: int) -> str:
    """Return the source of one training program."""
    return _Draft(random.Random(seed)).text(seed)


class _Draft:
    """The parts of one program, drawn in the order in which they stand."""

    def __init__(self, draw: random.Random) -> None:
        self.draw = draw
        self.names = [f"net{i}" for i in range(draw.randint(2, 5))]
        self.all = [*self.names, "head"]
        self.networks = [f"{name} = {draw.choice(NETWORKS)}" for name in self.names]
        if self.chance(0.15):
            self.networks += ["net0 = nn.Linear(4, 4)", "net1 = nn.Linear(4, 4)", "net1.weight = net0.weight"]
        self.networks += ["head = nn.Linear(4, 4)", "free = nn.Parameter(torch.ones(4))"]
        self.wiring, self.second = self.wire()
        self.optimizers: list[str] = []
        self.setup = self.prepare()
        self.loop = self.train()

    def chance(self, share: float) -> bool:
        return self.draw.random() < share

    def wire(self) -> tuple[list[str], str]:
        """Return the lines from `x` to `out`, and a value in between for a second loss."""
        draw, lines, values = self.draw, [], ["x"]
        for i, name in enumerate(self.names):
            lines.append(f"v{i} = {name}({draw.choice(values[-2:])})")
            values.append(f"v{i}")
            x, kind = values[-1], draw.random()
            if kind < 0.2:
                lines.append(f"c{i} = {draw.choice(CUTS).format(x=x)}")
            elif kind < 0.35:
                block = draw.choice(BLOCKS)
                called = draw.choice([name, "torch.sin", *self.names])
                lines += [line.format(c=f"c{i}", x=x, f=called) for line in block]
            elif kind < 0.6:
                lines.append(f"c{i} = {draw.choice(draw.choice((FLATS, DECOYS))).format(x=x)}")
            if kind < 0.6:
                values.append(f"c{i}")
            if len(values) > 2 and self.chance(0.5):
                lines.append(f"j{i} = {draw.choice(JOINS).format(a=values[-1], b=draw.choice(values[:-1]))}")
                values.append(f"j{i}")
            if self.chance(0.1):
                lines.append(f"log{i} = {draw.choice(values)}.detach().mean().item()")
        lines.append(f"out = head({values[-1]}) * free")
        return lines, draw.choice(values[1:])

    def prepare(self) -> list[str]:
        """Return the lines after the networks: freezes, optimizers, freezes."""
        draw = self.draw
        lines = [f"everything = [p for m in [{', '.join(self.all)}] for p in m.parameters()] + [free]"]
        lines += self.freezes(0.25)
        held = [n for n in self.all if self.chance(0.85)] or ["head"]
        split = draw.randint(1, len(held) - 1) if len(held) > 1 and self.chance(0.5) else len(held)
        for i, group in enumerate(filter(None, (held[:split], held[split:]))):
            lines.append(f"opt{i} = {self.optimizer(i, group)}")
            self.optimizers.append(f"opt{i}")
        lines += self.freezes(0.1)
        if self.chance(0.05):
            lines.append("head = nn.Linear(4, 4)")
            lines.append("everything += list(head.parameters())")
        return lines

    def freezes(self, share: float) -> list[str]:
        chosen = [n for n in self.names if self.chance(share)]
        return [line.format(n=n) for n in chosen for line in self.draw.choice(FREEZES)]

    def optimizer(self, number: int, group: list[str]) -> str:
        lists = [f"*{n}.parameters()" for n in group] + (["free"] if number == 0 and self.chance(0.5) else [])
        kind = self.draw.choice(OPTIMIZERS)
        if number:
            taken = "{id(q) for g in opt0.param_groups for q in g['params']}"
            return kind.format(
                p=f"[p for p in dict.fromkeys([{', '.join(lists)}]) if id(p) not in {taken}] or [torch.ones(1)]"
            )
        if self.chance(0.3) and len(group) > 1 and "net1.weight = net0.weight" not in self.networks:
            return kind.format(p=f"[dict(params=[{lists[0]}], lr=0.05), dict(params=[{', '.join(lists[1:])}])]")
        return kind.format(p=f"list(dict.fromkeys([{', '.join(lists)}]))")

    def train(self) -> list[str]:
        """Return the body of the training loop; WIRING stands for the forward."""
        draw = self.draw
        body = ["x = torch.randn(6, 4, requires_grad=True)" if self.chance(0.1) else "x = torch.randn(6, 4)"]
        chosen = draw.choice(self.names)
        if self.chance(0.15):
            body += ["if step == 1:", *(f"    {line.format(n=chosen)}" for line in draw.choice(FREEZES))]
        elif self.chance(0.08):
            body += ["if step == 1:", f"    {draw.choice(self.all)}.requires_grad_(True)"]
        if self.chance(0.15):
            written = draw.choice(self.names)
            body += [line.format(n=written) for line in draw.choice(WRITES)]
        losses = {"loss_a": "out.square().mean()"}
        if self.chance(0.5):
            losses["loss_b"] = "second.abs().mean()"
        if self.chance(0.15):
            losses["total"] = " + 0.5 * ".join(losses)
        forward = ["WIRING", *(f"{name} = {expression}" for name, expression in losses.items())]
        fed = ["total"] if "total" in losses else list(losses)
        body += self.steps(forward, fed)
        return body

    def steps(self, forward: list[str], fed: list[str]) -> list[str]:
        kind, optimizers = self.draw.random(), self.optimizers
        if kind < 0.15:
            return self.with_closure(forward, fed)
        if kind < 0.4 and len(fed) == 2 and len(optimizers) == 2:
            lines = []
            for turn, (loss, optimizer) in enumerate(zip(fed, optimizers, strict=True)):
                inner = [*self.zeroing([optimizer]), *forward, *self.backward([loss]), *self.apply(optimizer)]
                lines += [f"if step % 2 == {turn}:", *(f"    {line}" for line in inner)]
            return lines
        zeroing, backward = self.zeroing(optimizers), self.backward(fed)
        steps = [line for optimizer in optimizers for line in self.apply(optimizer)]
        if kind < 0.45:
            return [*forward, *backward, *zeroing, *steps]
        if kind < 0.55:
            return [*forward, *backward, "if step % 2 == 1:", *(f"    {line}" for line in (*steps, *zeroing))]
        if kind < 0.75:
            return [*forward, *zeroing, *backward, *steps]
        return [*zeroing, *forward, *backward, *steps]

    def with_closure(self, forward: list[str], fed: list[str]) -> list[str]:
        lines = []
        for optimizer in self.optimizers:
            inner = [*self.zeroing([optimizer]), *forward, *self.backward(fed), f"probe('apply', {optimizer})"]
            inner.append(f"return {fed[0]}")
            lines += ["def closure():", *(f"    {line}" for line in inner)]
            lines += [f"probe('step', {optimizer})", f"{optimizer}.step(closure)", f"probe('after', {optimizer})"]
        return lines

    def zeroing(self, optimizers: list[str]) -> list[str]:
        kind = self.draw.random()
        if kind < 0.1:
            return []
        if kind < 0.2:
            return ["for p in everything:", "    p.grad = None", "probe('zeroed', everything)"]
        if kind < 0.3:
            name = self.draw.choice(self.all)
            return [f"{name}.zero_grad()", f"probe('zeroed', {name})"]
        if kind < 0.35:
            return [
                "for p in everything:",
                "    if p.grad is not None:",
                "        p.grad.zero_()",
                "probe('zeroed', everything)",
            ]
        how = "set_to_none=False" if kind < 0.5 else ""
        return [line for o in optimizers for line in (f"{o}.zero_grad({how})", f"probe('zeroed', {o})")]

    def backward(self, losses: list[str]) -> list[str]:
        lines = []
        for loss in losses:
            call = self.draw.choice(
                (f"{loss}.backward(retain_graph=True)", f"torch.autograd.backward({loss}, retain_graph=True)")
            )
            lines += [
                f"if {loss}.requires_grad:",
                f"    probe('backward', '{loss}')",
                f"    {call}",
                f"    probe('fed', '{loss}')",
            ]
        return lines

    def apply(self, optimizer: str) -> list[str]:
        before = [f"probe('step', {optimizer})", f"probe('apply', {optimizer})"]
        return [*before, f"{optimizer}.step()", f"probe('after', {optimizer})"]

    def text(self, seed: int) -> str:
        """Put the parts together as a script, a function, a class of a trainer, or around a model with a forward."""
        form = self.draw.choice(("script", "function", "trainer", "model", "model in a function"))
        loop = self.draw.randint(2, 3) * (2 if any("step %" in line for line in self.loop) else 1)
        inline = [*self.wiring, *([f"second = {self.second}"] if self.has_second else [])]
        call = ["out, second = model(x)"] if self.has_second else ["out = model(x)"]
        body = [f"for step in range({loop}):", *_indented(_filled(self.loop, call if "model" in form else inline))]
        body = ["probe('start', None)", *body, "probe('end', None)"]
        if form == "script":
            lines = [*self.networks, *self.setup, *body]
        elif form == "function":
            lines = ["def train():", *_indented([*self.networks, *self.setup, *body]), "", "", "train()"]
        elif form == "trainer":
            lines = [
                "class Trainer:",
                "    def __init__(self):",
                *_indented(_owned([*self.networks, *self.setup], "self"), 2),
                "",
            ]
            lines += [
                "    def run(self):",
                *_indented(_owned(body, "self"), 2),
                "",
                "",
                "trainer = Trainer()",
                "trainer.run()",
            ]
        else:
            returned = "return out, second" if self.has_second else "return out"
            lines = ["class Model(nn.Module):", "    def __init__(self):", "        super().__init__()"]
            lines += [*_indented(_owned(self.networks, "self"), 2), "", "    def forward(self, x):"]
            lines += [*_indented(_owned([*inline, returned], "self", held=False), 2), "", ""]
            rest = ["model = Model()", *_owned([*self.setup, *body], "model", held=False)]
            lines += rest if form == "model" else ["def main():", *_indented(rest), "", "", "main()"]
        return PRELUDE.replace("SEED", str(seed)) + "\n".join(lines) + "\n"

    @property
    def has_second(self) -> bool:
        return any("second" in line for line in self.loop)


def _indented(lines: list[str], times: int = 1) -> list[str]:
    return ["    " * times + line for line in lines]


def _filled(lines: list[str], wiring: list[str]) -> list[str]:
    """Put the forward where it belongs, as deep as it stands there."""
    filled: list[str] = []
    for line in lines:
        depth = line[: len(line) - len(line.lstrip())]
        filled += [depth + inner for inner in wiring] if line.strip() == "WIRING" else [line]
    return filled


def _owned(lines: list[str], owner: str, held: bool = True) -> list[str]:
    """Make the networks, and with `held` the optimizers too, attributes of an owner."""
    names = r"\b(net\d|head|free|opt\d|everything)\b" if held else r"\b(net\d|head|free)\b"
    return [re.sub(names, rf"{owner}.\1", line) for line in lines]
