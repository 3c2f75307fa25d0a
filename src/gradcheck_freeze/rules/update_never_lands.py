"""GF227."""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Severity
from gradcheck_freeze.rules.places import place
from gradcheck_freeze.rules.rule import rule
from gradcheck_freeze.trace.record import Trace

_SUM = frozenset({"add", "sub", "rsub", "addcmul", "addcdiv", "lerp"})
_ALIAS = frozenset({"data", "detach", "clone"})  # the same numbers under another object
_ROUNDS = 2


@rule("GF227", kind="blockage", severity=Severity.ERROR)
def update_never_lands(case: Case) -> Iterator[Finding]:
    """The new value of a parameter is computed from its gradient, and never written into the parameter.

    Why it matters: `p = p - lr * p.grad` gives the name `p` to a new tensor. The module keeps the old one, and no step of such
    a descent changes anything.

    Found:

        with torch.no_grad():
            for p in model.parameters():
                p = p - lr * p.grad

    Left alone: fast weights that a later op uses (MAML), what is copied or loaded into the parameter afterwards, and whatever
    an optimizer trains as well.

    Instead: write into the parameter, `p -= lr * p.grad` or `p.copy_(...)` under `torch.no_grad()`, or use torch.optim.SGD.
    """
    trace = case.flow.trace
    groups: dict[int, list[int]] = {}
    for tensor, site in never_landing(case).items():
        groups.setdefault(site, []).append(tensor)
    for site, tensors in groups.items():
        cause = place(trace, site, "update")
        fed = [b for b in trace.backwards if not set(tensors).isdisjoint(b.received)]
        backward = place(trace, fed[-1].site, "backward") if fed else None
        yield update_never_lands.finding(
            case.flow,
            tensors,
            "{where} gets gradient, but stays as it is: the new value computed from it here is a tensor of its own, which "
            "nothing writes into the parameter and no op reads.",
            cause,
            trail=tuple(p for p in (backward, cause) if p),
            fix="Write into the parameter: p -= lr * p.grad or p.copy_(...) under torch.no_grad(), or use an optimizer.",
        )


def never_landing(case: Case) -> dict[int, int]:
    """Return the parameters whose new value is computed round by round and lost, each with the site at which it is."""
    trace = case.flow.trace
    return {
        tensor: trace.ops.site[ops[0]]
        for tensor, ops in _updates(case, _standing_still(case)).items()
        if len({_backwards_before(trace, op) for op in ops} - {0}) >= _ROUNDS
    }


def _standing_still(case: Case) -> set[int]:
    """Return what gets gradient, is in no optimizer, and that nothing was seen to write into since."""
    trace = case.flow.trace
    still = {
        t
        for t, seen in enumerate(case.flow.tensors)
        if trace.tensors[t].kind == "parameter"
        and seen.received
        and not (seen.optimizers or seen.changed or seen.written)
    }
    first = min((backward.after for backward in trace.backwards), default=0)
    if still:
        still -= {t for t, op in zip(trace.values.tensor, trace.values.op, strict=True) if op >= first}
    return still


def _updates(case: Case, tensors: set[int]) -> dict[int, list[int]]:
    """Return the ops that add to each tensor what was made of its gradient, where no op reads any of these sums."""
    trace = case.flow.trace
    if not tensors:
        return {}
    ops, op_names, owner = trace.ops, trace.op_names, trace.values.tensor
    gradient_of = {v: t for v, t in trace.gradient_of.items() if t in tensors}
    alias: dict[int, int] = {}
    made: dict[int, int] = {}  # the sum → its tensor
    read: set[int] = set()
    found: dict[int, list[int]] = {}
    for op in range(len(ops)):
        inputs = ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]
        outputs = ops.outputs[ops.first_output[op] : ops.first_output[op + 1]]
        name = op_names[ops.name[op]]
        read.update(made[v] for v in inputs if v in made)
        if name == "grad" and len(outputs) == len(inputs) - 1:
            asked = zip(outputs, inputs[1:], strict=True)
            gradient_of.update((v, owner[source]) for v, source in asked if owner[source] in tensors)
            continue
        held = {gradient_of[v] for v in inputs if v in gradient_of}
        plain = {alias.get(v, owner[v]) for v in inputs} & tensors
        if name in _ALIAS and plain:
            alias.update(dict.fromkeys(outputs, min(plain)))
        if len(held) == 1:
            gradient_of.update(dict.fromkeys(outputs, min(held)))
            if name.rstrip("_") in _SUM and held <= plain:
                made.update(dict.fromkeys(outputs, min(held)))
                found.setdefault(min(held), []).append(op)
    return {tensor: sums for tensor, sums in found.items() if tensor not in read}


def _backwards_before(trace: Trace, op: int) -> int:
    """Return how many backward calls had been made before an op."""
    return sum(backward.after <= op for backward in trace.backwards)
