"""GF113."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Location, Severity
from gradcheck_freeze.rules.frozen_made_anew import sources_of
from gradcheck_freeze.rules.places import place
from gradcheck_freeze.rules.rule import rule
from gradcheck_freeze.rules.syntax import around, called, files, tree_of
from gradcheck_freeze.trace.record import NONE, Trace

_PREPARING = frozenset(
    {"parameters", "named_parameters", "modules", "children", "eval", "requires_grad_", "load_state_dict", "to", "cuda"}
)
_COPYING = ("__deepcopy__", "nn.Parameter", "clone", "data", "detach")


@rule("GF113", kind="leak", severity=Severity.ERROR)
def freeze_of_a_copy(case: Case) -> Iterator[Finding]:
    """A copy, or another network of the same kind, is frozen and not used; the one that is used is trained.

    Why it matters: `copy.deepcopy`, and a second call of what builds a network, give other parameters. Freezing them says nothing
    to the first.

    Found:

        def freeze(module):
            module = copy.deepcopy(module)
            return module.requires_grad_(False)

        freeze(model.backbone)                   # the result is dropped

        encoder = build_encoder()
        encoder.requires_grad_(False)
        model = Classifier(build_encoder())      # or builds one of its own

    Left alone: a frozen copy that is used or kept (a teacher, a reference, a snapshot).

    Instead: freeze the module itself, or put the copy in its place: `model.backbone = freeze(model.backbone)`.
    """
    trace = case.flow.trace
    values, ops = trace.values, trace.ops
    begun = trace.steps[0].after if trace.steps else 0
    dropped = {
        t
        for d in trace.declarations
        if d.kind == "requires_grad" and not d.value and d.after <= begun
        for t in d.tensors
        if not trace.tensors[t].names[0]
    }
    dropped -= {values.tensor[v] for v in ops.inputs}  # what is computed with is held by somebody
    groups: dict[Location | None, set[int]] = {}
    for value, tensor in enumerate(values.tensor):
        if tensor in dropped and values.op[value] != NONE:
            original = _copied_from(case, value)
            if original != NONE and original in case.intent.learn and case.flow.tensors[original].changed:
                groups.setdefault(place(trace, ops.site[values.op[value]], "deepcopy"), set()).add(original)
    for cause, tensors in groups.items():
        step = trace.steps[case.flow.tensors[min(tensors)].changed[0]]
        yield freeze_of_a_copy.finding(
            case.flow,
            tensors,
            "Only a copy of {where} was frozen, and nobody keeps the copy: "
            f"{trace.optimizers[step.optimizer].name}.step() moves the original.",
            cause,
            trail=tuple(p for p in (place(trace, step.site, "step"), cause) if p),
            fix="Freeze the module itself, or put the frozen copy in its place.",
        )
    yield from _of_another(case)


def _of_another(case: Case) -> Iterator[Finding]:
    """Yield the trained parts of a network that have a frozen twin, built like them, which nobody computes with."""
    trace = case.flow.trace
    for frozen, twins in _twins(case).items():
        below = case.below(frozen)
        freezes = [d for d in trace.declarations if d.kind == "requires_grad" and set(d.tensors) & set(below)]
        cause = place(trace, freezes[-1].site, "requires_grad = False")
        name = trace.modules[frozen].name
        for twin in twins:
            tensors = case.below(twin)
            step = trace.steps[case.flow.tensors[tensors[0]].changed[0]]
            yield freeze_of_a_copy.finding(
                case.flow,
                tensors,
                f"{name} was frozen here, but nothing is computed with it; {{where}}, which is used, is another network built like "
                f"it: {trace.optimizers[step.optimizer].name}.step() moves it.",
                cause,
                trail=tuple(p for p in (place(trace, step.site, "step"), cause) if p),
                fix=f"Hand {name} over instead of building another, or freeze {trace.modules[twin].name}.",
            )


def _twins(case: Case) -> dict[int, list[int]]:
    """Return, for frozen networks that nobody computes with, the trained parts of others that have the same parameters."""
    trace = case.flow.trace
    flags = [d for d in trace.declarations if d.kind == "requires_grad"]
    frozen = {t for d in flags if not d.value for t in d.tensors} - {t for d in flags if d.value for t in d.tensors}
    idle = [
        m
        for m, module in enumerate(trace.modules)
        if module.parent == NONE and not module.called and (below := case.below(m)) and frozen.issuperset(below)
    ]
    idle = [m for m in idle if not any(case.flow.tensors[t].data for t in case.below(m))]
    if not idle:
        return {}
    kinds: dict[tuple[object, ...], list[int]] = {}
    for m, module in enumerate(trace.modules):
        below = case.below(m) if module.parent != NONE else []
        if below and all(t in case.intent.learn and case.flow.tensors[t].changed for t in below):
            kinds.setdefault(_kind(case, m), []).append(m)
    found: dict[int, list[int]] = {}
    for m in idle:
        name = trace.modules[m].name
        twins = kinds.get(_kind(case, m), [])
        own = [t for t in twins if trace.modules[t].name.rpartition(".")[2] == name]
        twins = own or (twins if len(twins) == 1 and _is_only_frozen(trace, name) else [])
        twins = [t for t in twins if not _copied(case, m, t) and not set(case.below(t)) & case.intent.stated]
        if twins:
            found[m] = twins
    return found


def _kind(case: Case, module: int) -> tuple[object, ...]:
    """Return what two networks that were built alike have in common: the names and shapes of their parameters."""
    trace = case.flow.trace
    start = len(trace.modules[module].name) + 1
    return tuple(sorted((trace.tensors[t].names[0][start:], trace.tensors[t].shape) for t in case.below(module)))


def _copied(case: Case, one: int, other: int) -> bool:
    """Return whether the numbers of one network were written into the other, in whichever direction."""
    first, second = set(case.below(one)), set(case.below(other))
    there, _ = sources_of(case, first)
    back, _ = sources_of(case, second)
    return bool(there.keys() & second or back.keys() & first)


def _is_only_frozen(trace: Trace, name: str) -> bool:
    """Return whether the run's files do nothing with a variable but make it, load it, put it into eval mode and freeze it."""
    for path in files(trace):
        for node in ast.walk(tree_of(path)):
            if not (isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)):
                continue
            statement = around(path, node.lineno)[-1]
            value = statement.iter if isinstance(statement, ast.For) else getattr(statement, "value", None)
            if not isinstance(statement, (ast.For, ast.Expr)) or not isinstance(value, ast.Call):
                return False
            if called(value) not in _PREPARING or any(n is node for a in value.args for n in ast.walk(a)):
                return False
    return True


def _copied_from(case: Case, value: int) -> int:
    """Return the tensor that a value is a plain copy of, NONE if it is none."""
    trace = case.flow.trace
    values, ops = trace.values, trace.ops
    tensor = values.tensor[value]
    while (op := values.op[value]) != NONE and trace.op_names[ops.name[op]] in _COPYING:
        value = ops.inputs[ops.first_input[op]]
        if values.tensor[value] not in (NONE, tensor):
            return values.tensor[value]
    return NONE
