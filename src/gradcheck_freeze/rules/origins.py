"""Where what must stay frozen was made such that an optimizer gets hold of it: as a part of two networks, or as a Parameter."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator

from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Location
from gradcheck_freeze.rules.places import place
from gradcheck_freeze.rules.syntax import around, called, calls_in
from gradcheck_freeze.trace.record import NONE

_RANDOM = (
    "rand",
    "normal",
    "uniform",
    "kaiming",
    "xavier",
    "orthogonal",
    "trunc",
    "bernoulli",
    "multinomial",
    "exponential",
)
_BLANK = frozenset(
    {
        "nn.Parameter",
        "empty",
        "zeros",
        "ones",
        "full",
        "zero",
        "fill",
        "constant",
        "empty_like",
        "zeros_like",
        "ones_like",
    }
)
_MOST = 200  # ops looked at on the way back from one tensor


def made_for_two(case: Case, tensor: int) -> tuple[Location, str] | None:
    """Return where a part came to belong to a network that stays and to one that is trained, and what the latter is called.

    That is the line that put it into one of them, or the construction of the one that was given it, or else, where each class
    takes it by itself (a default argument, a global variable), the line that made it.
    """
    trace = case.flow.trace
    for still, trained in _holders(trace.tensors[tensor].names):
        ours, theirs = _only_below(case, still, trained), _only_below(case, trained, still)
        held = any(case.flow.tensors[t].optimizers for t in theirs)
        if not ours or not held or not ours <= case.intent.fixed or any(case.flow.tensors[t].optimizers for t in ours):
            continue
        put = [d.site for d in trace.declarations if d.kind == "replaced" and tensor in d.tensors]
        made = trace.tensors[tensor].declared
        given = next((m.constructed for m in trace.modules if trained in (m.name, *m.aliases)), NONE)
        site = put[-1] if put else given if made != NONE and trace.sites[made].function.endswith("__init__") else made
        where = place(trace, site, "shared")
        return (where, trained) if where else None
    return None


def _holders(names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield, for every two names of a tensor, the two modules in which it stands under the same rest of a name."""
    for one, other in itertools.permutations(names, 2):
        ours, theirs = one.split("."), other.split(".")
        while len(ours) > 1 and len(theirs) > 1 and ours[-1] == theirs[-1]:
            del ours[-1], theirs[-1]
        if len(one.split(".")) > len(ours):
            yield ".".join(ours), ".".join(theirs)


def _only_below(case: Case, module: str, other: str) -> set[int]:
    """Return the parameters that one module holds and another does not."""
    return {
        t
        for t, record in enumerate(case.flow.trace.tensors)
        if record.kind == "parameter"
        and any(name.startswith(module + ".") for name in record.names)
        and not any(name.startswith(other + ".") for name in record.names)
    }


def made_a_parameter(case: Case, tensor: int) -> Location | None:
    """Return the line that made a Parameter of what must stay fixed, where all that must stay around it was made in that way.

    A table that is computed is meant: weights drawn at random, and layers of torch's, are Parameters by right. Those are to
    be frozen, or left out of the optimizer.
    """
    trace, fixed = case.flow.trace, case.intent.fixed
    unit = {tensor}
    for module in case.around(trace.tensors[tensor].module):
        below = set(case.below(module))
        if not below <= fixed:
            break
        unit |= below
    if not all(_is_made_by_hand(case, t) for t in unit):
        return None
    return place(trace, trace.tensors[tensor].declared, "Parameter")


def _is_made_by_hand(case: Case, tensor: int) -> bool:
    """Return whether the line on which a tensor was registered calls `Parameter`, with computed numbers."""
    trace = case.flow.trace
    if not _is_computed(case, tensor):
        return False
    site = trace.tensors[tensor].declared
    if site == NONE:
        return False
    inside = around(trace.sites[site].path, trace.sites[site].line)
    held = inside[-1:] if inside and not isinstance(inside[-1], (ast.FunctionDef, ast.ClassDef)) else []
    return any(called(call) == "Parameter" for node in held for call in calls_in(node))


def _is_computed(case: Case, tensor: int) -> bool:
    """Return whether a parameter was made of numbers that some op computed, none of them at random, and not filled later."""
    trace = case.flow.trace
    begun = min((backward.after for backward in trace.backwards), default=0)
    own = [
        op
        for op, owner in zip(trace.values.op, trace.values.tensor, strict=True)
        if owner == tensor and 0 <= op < begun
    ]
    names: set[str] = set()
    waiting, seen = own, set(own)
    while waiting and len(seen) < _MOST:
        op = waiting.pop()
        names.add(trace.op_names[trace.ops.name[op]].strip("_"))
        for value in trace.ops.inputs[trace.ops.first_input[op] : trace.ops.first_input[op + 1]]:
            made = trace.values.op[value]
            if made != NONE and made not in seen:
                seen.add(made)
                waiting.append(made)
    return not any(name.startswith(_RANDOM) for name in names) and bool(names - _BLANK)
