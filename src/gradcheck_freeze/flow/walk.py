"""The part of the graph that one backward call walks: the ops between its roots and the leaves, by the trace."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gradcheck_freeze.trace.record import LEAF, NONE, REQUIRES_GRAD, UNSEEN, Trace


@dataclass(frozen=True, slots=True)
class Walk:
    """What is walked. An *edge* is one op and one of its inputs that requires grad: one gradient to compute."""

    ops: frozenset[int]
    edges: tuple[tuple[int, int], ...]  # (op, value), the first op first
    leaves: frozenset[int]  # watched tensors
    whole: bool  # every op on the way was seen


def walk(trace: Trace, roots: Iterable[int]) -> Walk:
    """Return what a backward from these values walks, in time linear in its size."""
    ops, values = trace.ops, trace.values
    reached: set[int] = set()
    edges: list[tuple[int, int]] = []
    leaves: set[int] = set()
    whole = True
    pending = [root for root in roots if values.flags[root] & REQUIRES_GRAD]
    seen = set(pending)
    while pending:
        value = pending.pop()
        flags, op = values.flags[value], values.op[value]
        if flags & LEAF:
            if values.tensor[value] != NONE:
                leaves.add(values.tensor[value])
            continue
        if flags & UNSEEN or op == NONE:
            whole = False
            continue
        if op in reached:
            continue
        reached.add(op)
        for source in dict.fromkeys(ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]):
            if values.flags[source] & REQUIRES_GRAD:
                edges.append((op, source))
                if source not in seen:
                    seen.add(source)
                    pending.append(source)
    return Walk(frozenset(reached), tuple(sorted(edges)), frozenset(leaves), whole)
