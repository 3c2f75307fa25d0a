"""What PyTorch itself says of a random program: `.grad`, the engine's own hooks, and the bytes before and after.

Nothing of gradcheck_freeze is used here. What is returned holds no tensor.
"""

import ast
import hashlib
import itertools
import random
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import CodeType, FrameType
from typing import Any

import torch
from torch import nn

RANK = ("none", "zero", "finite", "nonfinite")


@dataclass
class Truth:
    """What is true of one parameter or buffer from the start of training to its end."""

    names: list[str]
    shape: tuple[int, ...]
    at_steps: set[str] = field(default_factory=set)  # states of `.grad` when a step used it
    at_end: str = "none"  # state of `.grad` after training
    ever: set[str] = field(default_factory=set)  # states of `.grad` at any time
    fed: set[str] = field(default_factory=set)  # losses whose backward computed a gradient for it
    connected: bool = False  # the graph of some loss leads to it, whatever the engine sends along
    moved: bool = False  # since the first step began
    stepped: set[str] = field(default_factory=set)  # optimizers whose step moved it
    flags: set[bool] = field(default_factory=set)  # values of requires_grad
    members: set[tuple[str, int]] = field(default_factory=set)  # optimizers and groups that hold it
    tried: bool = False  # the author set `requires_grad` on a module that holds it, which freezes nothing

    @property
    def least(self) -> str:
        """Return the strongest state that nobody may overlook."""
        return max(self.at_steps | {self.at_end}, key=RANK.index)

    @property
    def most(self) -> str:
        """Return the strongest state that ever held."""
        return max(self.ever, key=RANK.index)


@dataclass
class Facts:
    """What is true of one program."""

    parameters: list[Truth] = field(default_factory=list)
    buffers: list[Truth] = field(default_factory=list)
    losses: dict[str, int] = field(default_factory=dict)  # loss → number of its backward calls
    steps: dict[str, int] = field(default_factory=dict)  # optimizer → number of its steps
    applied: dict[str, set[str]] = field(default_factory=dict)  # optimizer → losses whose gradient it was given
    lost: dict[int, set[str]] = field(default_factory=dict)  # line → parameters whose gradient ends there
    on_the_way: set[int] = field(default_factory=set)  # lines that some loss was computed by
    left: dict[str, str] = field(default_factory=dict)  # digest of everything the run leaves behind


def variables(frame: FrameType) -> dict[str, Any]:
    """Return the variables of the running program: its globals, its function's locals, or its trainer's attributes."""
    space = frame.f_locals
    return {**space, **vars(space["self"])} if "self" in space else dict(space)


def parameters_of(module: nn.Module, prefix: str = "") -> Iterator[tuple[str, nn.Parameter]]:
    """Yield the parameters of a module under every name, those of the plain lists called `blocks` too."""
    yield from module.named_parameters(prefix, remove_duplicate=False)
    for path, inner in module.named_modules(prefix=prefix):
        for number, block in enumerate(getattr(inner, "blocks", ())):
            yield from block.named_parameters(f"{path}.blocks.{number}")


def tensors_in(space: Mapping[str, Any]) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """Return the parameters and the buffers that variables lead to."""
    parameters: dict[str, torch.Tensor] = {}
    buffers: dict[str, torch.Tensor] = {}
    for variable, value in space.items():
        if isinstance(value, nn.Module):
            parameters.update(parameters_of(value, variable))
            buffers.update(value.named_buffers(variable))
        elif isinstance(value, nn.Parameter) and variable == "free":
            parameters[variable] = value
    return parameters, buffers


def optimizers_in(space: Mapping[str, Any]) -> dict[str, torch.optim.Optimizer]:
    """Return the optimizers in variables."""
    return {name: value for name, value in space.items() if isinstance(value, torch.optim.Optimizer)}


def content(tensor: torch.Tensor) -> bytes:
    """Return the bytes of a tensor's elements."""
    return tensor.detach().contiguous().view(-1).view(torch.uint8).numpy().tobytes()


def state_of(gradient: torch.Tensor | None) -> str:
    """Return what a `.grad` holds."""
    if gradient is None:
        return "none"
    return "nonfinite" if not bool(gradient.isfinite().all()) else "finite" if bool(gradient.any()) else "zero"


def digest(space: Mapping[str, Any]) -> dict[str, str]:
    """Return a hash of everything a run leaves behind: weights, buffers, gradients, optimizer states, random states."""
    found = {"torch.random": torch.get_rng_state().numpy().tobytes(), "random": repr(random.getstate()).encode()}
    for tensors in tensors_in(space):
        for name, tensor in tensors.items():
            found[name] = content(tensor)
            found[f"{name}.grad"] = b"none" if tensor.grad is None else content(tensor.grad)
            found[f"{name}.flags"] = repr((tensor.requires_grad, tensor.is_leaf, vars(tensor))).encode()
    for name, optimizer in optimizers_in(space).items():
        for number, state in optimizer.state_dict()["state"].items():
            for key, value in state.items():
                data = content(value) if isinstance(value, torch.Tensor) else repr(value).encode()
                found[f"{name}.state.{number}.{key}"] = data
    found |= {n: content(v) for n, v in space.items() if isinstance(v, torch.Tensor) and n.startswith(("out", "loss_"))}
    return {name: hashlib.sha256(data).hexdigest()[:12] for name, data in found.items()}


@dataclass
class _Watched:
    """A tensor and what has been found out about it so far."""

    tensor: torch.Tensor
    truth: Truth
    last: bytes
    holding: set[str] = field(default_factory=set)  # losses whose gradient its `.grad` holds


class Oracle:
    """The probe of a program that runs without the tool."""

    def __init__(self, source: str) -> None:
        self.facts = Facts()
        self.lines = Lines(source, self)
        self.started = False
        self.stepping = False  # whether the first step has begun: from here on a change counts
        self._watched: list[_Watched] = []
        self._buffers: list[_Watched] = []
        self._names: dict[int, list[str]] = {}
        self._optimizers: dict[str, torch.optim.Optimizer] = {}
        self._loss = ""
        self._hooked: set[int] = set()

    def __call__(self, event: str, thing: Any) -> None:
        if event == "start":
            self._start(variables(sys._getframe(1)))
        stepping = next((name for name, optimizer in self._optimizers.items() if optimizer is thing), "")
        self._look(event, stepping)
        if event == "backward":
            self._loss = thing
            self._listen()
            reached = {id(leaf) for leaf in _leaves(variables(sys._getframe(1))[thing])}
            for watched in self._watched:
                watched.truth.connected |= id(watched.tensor) in reached
        elif event == "fed":
            self._loss = ""
            self.facts.losses[thing] = self.facts.losses.get(thing, 0) + 1
        elif event == "zeroed":
            self._zeroed(thing)
        elif event == "apply":
            self._applied(stepping, thing)
        elif event == "after":
            self.facts.steps[stepping] = self.facts.steps.get(stepping, 0) + 1
        elif event == "end":
            self._end(variables(sys._getframe(1)))

    def names_of(self, tensor: torch.Tensor) -> list[str]:
        """Return the names of a watched parameter."""
        return self._names.get(id(tensor), [])

    def _start(self, space: Mapping[str, Any]) -> None:
        for tensors, watched in zip(tensors_in(space), (self._watched, self._buffers), strict=True):
            known: dict[int, _Watched] = {}
            for name, tensor in tensors.items():
                if id(tensor) not in known:
                    known[id(tensor)] = _Watched(tensor, Truth([], tuple(tensor.shape)), content(tensor))
                known[id(tensor)].truth.names.append(name)
            watched.extend(known.values())
        self._names = {id(w.tensor): w.truth.names for w in self._watched}
        self.facts.parameters = [w.truth for w in self._watched]
        self.facts.buffers = [w.truth for w in self._buffers]
        self._optimizers = optimizers_in(space)
        self.started = True

    def _look(self, event: str, stepping: str) -> None:
        for watched in (*self._watched, *self._buffers):
            truth, state = watched.truth, state_of(watched.tensor.grad)
            truth.ever.add(state)
            truth.at_end = state
            truth.flags.add(watched.tensor.requires_grad)
            truth.members = {
                (name, number)
                for name, optimizer in self._optimizers.items()
                for number, group in enumerate(optimizer.param_groups)
                if any(watched.tensor is p for p in group["params"])
            }
            if event == "apply" and any(name == stepping for name, _ in truth.members):
                truth.at_steps.add(state)
            now = content(watched.tensor)
            if now != watched.last and self.stepping:
                truth.moved = True
                if event == "after":
                    truth.stepped.add(stepping)
            watched.last = now
        self.stepping = self.stepping or event == "step"

    def _listen(self) -> None:
        """Ask the engine itself: a hook on a leaf is called with the gradient that a backward computed for it."""

        def hook(watched: _Watched, gradient: torch.Tensor | None) -> None:
            if gradient is not None and self._loss:
                watched.truth.fed.add(self._loss)
                watched.holding.add(self._loss)

        for watched in self._watched:
            if watched.tensor.requires_grad and id(watched.tensor) not in self._hooked:
                self._hooked.add(id(watched.tensor))
                watched.tensor.register_hook(lambda gradient, w=watched: hook(w, gradient))

    def _zeroed(self, thing: Any) -> None:
        if isinstance(thing, nn.Module):
            held: Iterable[Any] = thing.parameters()
        else:
            held = thing if isinstance(thing, list) else (p for group in thing.param_groups for p in group["params"])
        zeroed = {id(p) for p in held}
        for watched in self._watched:
            if id(watched.tensor) in zeroed:
                watched.holding.clear()

    def _applied(self, name: str, optimizer: torch.optim.Optimizer) -> None:
        held = {id(p) for group in optimizer.param_groups for p in group["params"]}
        losses = self.facts.applied.setdefault(name, set())
        for watched in self._watched:
            if id(watched.tensor) in held:
                losses |= watched.holding

    def _end(self, space: Mapping[str, Any]) -> None:
        tried = [m for value in space.values() if isinstance(value, nn.Module) for m in value.modules()]
        below = {id(p) for m in tried if "requires_grad" in vars(m) for _, p in parameters_of(m)}
        for watched in self._watched:
            watched.truth.tried = id(watched.tensor) in below
        self.facts.left = digest(space)
        self.facts.lost = self.lines.spread()
        self.facts.on_the_way = self.lines.on_the_way(self.facts.losses)
        self.started = False


@dataclass(frozen=True)
class _Statement:
    """One assignment or return: the chains of names that it reads and writes."""

    reads: tuple[tuple[str, ...], ...]
    writes: tuple[tuple[str, ...], ...] | None  # None for a return


class Lines:
    """Follows a program line by line: where does a value read carry a parameter's gradient, and the value written not?"""

    def __init__(self, source: str, oracle: Oracle) -> None:
        self.nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, (ast.stmt, ast.Module))]
        self.oracle = oracle
        self.lost: dict[int, set[str]] = {}
        self.statements = {n.lineno: s for n in self.nodes if (s := _statement(n)) is not None}
        self._running: dict[FrameType, tuple[int, set[int]]] = {}
        self._known: dict[int, list[str]] = {}

    def follow(self, code: CodeType) -> Any:
        """Return a function for `sys.settrace` that follows the frames of one file."""

        def trace(frame: FrameType, event: str, value: Any) -> Any:
            if frame.f_code.co_filename != code.co_filename or not self.oracle.started:
                return trace if frame.f_code.co_filename == code.co_filename else None
            if "ctx" in frame.f_code.co_varnames or (frame.f_code.co_name.startswith("<") and frame.f_code is not code):
                return None  # a custom function has a backward of its own; a comprehension has no statements
            if event in ("line", "return"):
                self._finish(frame, value)
            if event == "line" and frame.f_lineno in self.statements:
                read = self._carried_by(frame, self.statements[frame.f_lineno].reads)
                if read:
                    self._running[frame] = (frame.f_lineno, read)
            return trace

        return trace

    def _finish(self, frame: FrameType, value: Any) -> None:
        line, read = self._running.pop(frame, (0, set()))
        if read:
            writes = self.statements[line].writes
            carried = self._carried(value) if writes is None else self._carried_by(frame, writes)
            for leaf in read - carried:
                self.lost.setdefault(line, set()).update(self._known[leaf])

    def _carried_by(self, frame: FrameType, chains: Iterable[tuple[str, ...]]) -> set[int]:
        found: set[int] = set()
        for root, *attributes in chains:
            value = frame.f_locals.get(root, frame.f_globals.get(root))
            for attribute in attributes:
                if isinstance(value, torch.Tensor) or not hasattr(value, attribute):
                    break
                inner = getattr(value, attribute)
                if isinstance(value, nn.Module) and not isinstance(inner, (nn.Module, torch.Tensor)):
                    break
                value = inner
            found |= self._carried(value)
        return found

    def _carried(self, value: Any) -> set[int]:
        """Return the watched parameters that the gradient of a value would reach."""
        if isinstance(value, nn.Module):
            leaves = [p for _, p in parameters_of(value) if p.requires_grad]
        elif isinstance(value, torch.Tensor):
            leaves = list(_leaves(value))
        elif isinstance(value, (list, tuple)):
            return {leaf for item in value for leaf in self._carried(item)}
        else:
            return set()
        for leaf in leaves:
            if id(leaf) not in self._known and (names := self.oracle.names_of(leaf)):
                self._known[id(leaf)] = names
        return {id(leaf) for leaf in leaves if id(leaf) in self._known}

    def spread(self) -> dict[int, set[str]]:
        """Return what is lost at each line; a `with` line, or one that turns gradient off, loses what those under it do."""
        lost = {line: set(names) for line, names in self.lost.items()}
        for node in self.nodes:
            if isinstance(node, ast.With):
                under = range(node.lineno, (node.end_lineno or node.lineno) + 1)
                lost[node.lineno] = {name for line in under for name in self.lost.get(line, ())}
            block = getattr(node, "body", None)
            for statement, after in itertools.pairwise(block if isinstance(block, list) else ()):
                if _turns_off(statement):
                    lost[statement.lineno] = set(self.lost.get(after.lineno, ()))
        return lost

    def on_the_way(self, losses: Iterable[str]) -> set[int]:
        """Return the lines that the losses are computed by: a variable has one meaning in the whole program."""
        needed, lines = set(losses), set()
        while True:
            before = len(lines), len(needed)
            for line, statement in self.statements.items():
                if statement.writes is None or any(chain[0] in needed for chain in statement.writes):
                    lines.add(line)
                    needed.update(chain[0] for chain in statement.reads)
            if before == (len(lines), len(needed)):
                break
        for node in self.nodes:
            if isinstance(node, ast.With) or _turns_off(node):
                lines.add(node.lineno)
        return lines


def _statement(node: ast.AST) -> _Statement | None:
    if isinstance(node, ast.Return) and node.value is not None:
        return _Statement(tuple(_chains(node.value)), None)
    if isinstance(node, ast.Assign):
        return _Statement(tuple(_chains(node.value)), tuple(c for t in node.targets for c in _chains(t)))
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Attribute):
        written = node.value.func  # c.copy_(v)
        if written.attr.endswith("_") and isinstance(written.value, ast.Name):
            return _Statement(tuple(_chains(node.value)), ((written.value.id,),))
    return None


def _turns_off(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and ast.unparse(node) == "torch.set_grad_enabled(False)"


def _chains(node: ast.AST) -> Iterator[tuple[str, ...]]:
    """Yield the variables in an expression, each with the attributes read of it: `self.net0` gives ("self", "net0")."""
    chain: list[str] = []
    inner = node
    while isinstance(inner, ast.Attribute):
        chain.append(inner.attr)
        inner = inner.value
    if isinstance(inner, ast.Name):
        yield (inner.id, *reversed(chain))
    else:
        for child in ast.iter_child_nodes(inner):
            yield from _chains(child)


def _leaves(tensor: torch.Tensor) -> Iterator[torch.Tensor]:
    """Yield the leaves to which the gradient of a tensor flows."""
    if tensor.requires_grad and tensor.is_leaf:
        yield tensor
    pending, seen = [tensor.grad_fn], set()
    while pending:
        node = pending.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            yield node.variable
        pending.extend(inner for inner, _ in node.next_functions)
