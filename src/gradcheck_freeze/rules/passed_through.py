"""Finds what one objective only passes through and moves all the same, though it is fitted by another: a critic under an actor."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gradcheck_freeze.flow.walk import Walk, walk
from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.trace.record import FUNCTION, NONE, REQUIRES_GRAD, Trace

_ADDING = frozenset({"add", "sub", "rsub", "add_", "sub_", "stack", "cat", "sum", "mean"})
_KEEPING = frozenset(
    {
        *("mul", "div", "neg", "negative", "true_divide", "mul_", "div_", "scale", "clone", "to", "float"),
        *("squeeze", "unsqueeze", "view", "reshape", "flatten", "getitem", "select", "unbind", "chunk", "split"),
        *("minimum", "min", "maximum", "max", "amin", "amax", "gather", "transpose", "permute", "expand"),
    }
)
_MOST = 16  # terms of one backward that are looked into
_LOOKS = 2  # backwards of one loss


@dataclass(frozen=True, slots=True)
class Term:
    """What is added into a loss. A *score* is nothing but what a layer gives, held against nothing: `-critic(...).mean()`."""

    backward: int
    op: int
    heads: frozenset[int]  # the parameters of the layer whose output a score is; none for any other term
    walked: Walk
    sums: tuple[int, ...]  # the sums that it goes through, from the loss


@dataclass(frozen=True, slots=True)
class PassedThrough:
    """Parameters that are fitted by one term and moved by another, which is the objective of what is before them."""

    tensors: frozenset[int]
    before: frozenset[int]
    score: Term
    fit: Term
    step: int

    @property
    def joined(self) -> int:
        """Return the op that adds up the two terms, NONE where each has a backward of its own."""
        if self.score.backward != self.fit.backward:
            return NONE
        return [a for a, b in zip(self.score.sums, self.fit.sums, strict=False) if a == b][-1]


def passed_through(case: Case) -> Iterator[PassedThrough]:
    """Yield what a score moves on its way to what it is the objective of, though another term fits the same layers.

    Left alone is what only one optimizer round applies, a critic whose own objective is a score too, as in a Wasserstein GAN,
    and paths through a custom function, as in gradient reversal.
    """
    terms = _terms(case)
    scores = [term for term in terms if term.heads]
    told: set[int] = set()
    for score in scores:
        fits = [t for t in terms if not t.heads & score.heads and score.heads <= t.walked.leaves]
        for fit in fits:
            before = score.walked.leaves - fit.walked.leaves
            if not before or any(o.heads & score.heads and not o.walked.leaves & before for o in scores):
                continue
            ops = case.flow.trace.ops
            if any(ops.mode[op] == FUNCTION for op in score.walked.ops) or not _same_layer(case, score, fit):
                continue
            through = (_behind(case.flow.trace, score.walked, before) & fit.walked.leaves) - told - case.intent.stated
            step = _applied(case, score, fit, before, through)
            if step != NONE:
                told |= through
                yield PassedThrough(through, before, score, fit, step)


def _terms(case: Case) -> list[Term]:
    """Return the terms of the first backwards of every loss."""
    trace = case.flow.trace
    found: list[Term] = []
    for loss in case.flow.losses if len(trace.steps) > 1 else ():
        for backward in [b for b in loss.backwards if not trace.backwards[b].returns][:_LOOKS]:
            leaves = _parts(trace, trace.backwards[backward].roots)
            if 0 < len(leaves) <= _MOST:
                for value, sums in leaves:
                    op = trace.values.op[value]
                    heads = _parameters(trace, op)
                    found.append(Term(backward, op, heads, walk(trace, [value]), sums))
    return found if any(term.heads for term in found) else []


def _parts(trace: Trace, roots: tuple[int, ...]) -> list[tuple[int, tuple[int, ...]]]:
    """Return the values that are added up into the roots, scaled or picked from at most, each with the sums on its way."""
    ops, values = trace.ops, trace.values
    pending: list[tuple[int, tuple[int, ...]]] = [(root, ()) for root in roots]
    found: dict[int, tuple[int, ...]] = {}
    while pending and len(found) <= _MOST:
        value, sums = pending.pop()
        op = values.op[value]
        if op == NONE or value in found:
            continue
        name = trace.op_names[ops.name[op]].strip("_")
        name = (
            name.removeprefix("i").removeprefix("r")
            if name in ("iadd", "radd", "rsub", "rmul", "imul", "rtruediv")
            else name
        )
        read = ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]
        carrying = [v for v in read if values.flags[v] & REQUIRES_GRAD]
        if name in _ADDING and carrying:
            further = (*sums, op) if len(carrying) > 1 else sums
            pending.extend((v, further) for v in carrying)
        elif (name in _KEEPING or name == "truediv") and (
            len(carrying) == 1 or name in ("min", "max", "minimum", "maximum")
        ):
            pending.extend((v, sums) for v in carrying)
        else:
            found[value] = sums
    return list(found.items())


def _parameters(trace: Trace, op: int) -> frozenset[int]:
    """Return the parameters that an op reads beside what it computes from."""
    ops, values = trace.ops, trace.values
    read = ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]
    if all(values.tensor[v] != NONE or not values.flags[v] & REQUIRES_GRAD for v in read):
        return frozenset()
    held = {values.tensor[v] for v in read if values.tensor[v] != NONE}
    return frozenset(t for t in held if trace.tensors[t].kind == "parameter")


def _same_layer(case: Case, score: Term, fit: Term) -> bool:
    """Return whether the layer that gives the score is computed in the other term as well, not only its weights read."""
    trace = case.flow.trace
    ops, owner = trace.ops, trace.values.tensor
    return any(
        ops.name[op] == ops.name[score.op]
        and score.heads <= {owner[v] for v in ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]}
        for op in fit.walked.ops
    )


def _behind(trace: Trace, walked: Walk, before: frozenset[int]) -> frozenset[int]:
    """Return the tensors that are read together with what was computed from others."""
    values = trace.values
    marked: set[int] = set()
    for op, value in walked.edges:
        if values.tensor[value] in before or values.op[value] in marked:
            marked.add(op)
    return frozenset(
        values.tensor[v] for op, v in walked.edges if op in marked and values.tensor[v] not in (NONE, *before)
    )


def _applied(case: Case, score: Term, fit: Term, before: frozenset[int], through: frozenset[int]) -> int:
    """Return a step that applies to all of `through` the gradient of both terms, if some step applies the score's to `before`."""
    steps = case.flow.trace.steps
    if not through or not any(score.backward in step.losses.get(t, ()) for step in steps for t in before):
        return NONE
    for number, step in enumerate(steps):
        if all({score.backward, fit.backward} <= set(step.losses.get(t, ())) for t in through):
            return number
    return NONE
