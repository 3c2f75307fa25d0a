"""GF109."""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Severity
from gradcheck_freeze.rules.places import place
from gradcheck_freeze.rules.rule import rule
from gradcheck_freeze.trace.record import DIFFERENTIABLE, NONE, REQUIRES_GRAD

_COMPARING = frozenset(
    {"cosine_similarity", "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "pairwise_distance"}
)


@rule("GF109", kind="leak", severity=Severity.WARNING)
def collapsing_comparison(case: Case) -> Iterator[Finding]:
    """A network is taught to make a prediction agree with its own output, and the output follows the prediction too.

    Why it matters: with gradient on both sides of the comparison and nothing else in the loss, mapping everything to one
    point is a perfect solution, and training finds it. A predictor on one side only makes sense if the other side stands still.

    Found:

        z0, z1 = encoder(x0), encoder(x1)
        loss = -cosine_similarity(predictor(z0), z1).mean()

    Left alone: a target that is detached, comparisons without a predictor (contrastive, redundancy reduction, consistency),
    a loss with any other term, and a target that comes from the data.

    Instead: stop the gradient on the target side, `z1.detach()`.
    """
    trace = case.flow.trace
    ops, values = trace.ops, trace.values
    below = _parameters_below(case)
    for loss in case.flow.losses:
        found = _compared(case, loss.backwards[0], below)
        if not found:
            continue
        op, target = found[0]
        if any(not _agrees(case, below, o) for o, _ in found):
            continue
        taught = {t for _, value in found for t in below[value]} & case.intent.learn
        cause = place(trace, ops.site[op], trace.op_names[ops.name[op]])
        made = values.op[target]
        yield collapsing_comparison.finding(
            case.flow,
            taught,
            f"{{where}} is taught by both sides of {loss.name}: it makes the target, and the target is not detached.",
            cause,
            trail=tuple(
                p
                for p in (
                    place(trace, loss.site, "backward"),
                    cause,
                    place(trace, ops.site[made]) if made != NONE else None,
                )
                if p
            ),
            fix="Detach the target side of the comparison here.",
        )


def _parameters_below(case: Case) -> dict[int, frozenset[int]]:
    """Return, for every value of the first step that carries gradient, the parameters it was computed from."""
    trace = case.flow.trace
    ops, values = trace.ops, trace.values
    end = trace.steps[0].after if trace.steps else len(ops)
    below: dict[int, frozenset[int]] = {}
    known: dict[tuple[frozenset[int], ...], frozenset[int]] = {}
    for op in range(min(end, len(ops), _MOST)):
        parts = []
        for value in ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]:
            tensor = values.tensor[value]
            if tensor != NONE and values.flags[value] & REQUIRES_GRAD:
                parts.append(frozenset((tensor,)))
            elif value in below:
                parts.append(below[value])
        if not parts:
            continue
        key = tuple(parts)
        whole = known.get(key)
        if whole is None:
            whole = known[key] = frozenset().union(*parts)
        for value in ops.outputs[ops.first_output[op] : ops.first_output[op + 1]]:
            if values.flags[value] & REQUIRES_GRAD:
                below[value] = whole
    return below


_MOST = 20_000  # ops looked at: what a loss compares is seen in its first step


def _compared(case: Case, backward: int, below: dict[int, frozenset[int]]) -> list[tuple[int, int]]:
    """Return the comparisons that make up a loss, each with its target; nothing if the loss has any other part."""
    trace = case.flow.trace
    ops, values = trace.ops, trace.values
    pending, found = list(trace.backwards[backward].roots), []
    seen: set[int] = set()
    while pending:
        value = pending.pop()
        op = values.op[value]
        if value in seen:
            continue
        seen.add(value)
        if op == NONE:
            return []
        read = [
            v for v in ops.inputs[ops.first_input[op] : ops.first_input[op + 1]] if values.flags[v] & DIFFERENTIABLE
        ]
        name = trace.op_names[ops.name[op]]
        if name in _COMPARING and len(read) == 2:
            first, second = (below.get(v, frozenset()) for v in read)
            if not first or not second or first == second or not (first < second or second < first):
                return []
            found.append((op, read[0] if first < second else read[1]))
        elif len(read) == 1 or name in ("add", "sub", "__add__", "__radd__", "__sub__", "__rsub__", "__iadd__"):
            pending.extend(read)
        else:
            return []
    return found


def _agrees(case: Case, below: dict[int, frozenset[int]], op: int) -> bool:
    """Return whether the prediction was computed from what the networks of the target give, and from no other data."""
    trace = case.flow.trace
    ops = trace.ops
    read = [v for v in ops.inputs[ops.first_input[op] : ops.first_input[op + 1]] if v in below]
    prediction, target = (read[0], read[1]) if below[read[1]] < below[read[0]] else (read[1], read[0])
    return _chain(case, below, prediction, below[target])


def _chain(case: Case, below: dict[int, frozenset[int]], value: int, wanted: frozenset[int]) -> bool:
    """Return whether every way back from a value leads through one that was computed from exactly these parameters."""
    trace = case.flow.trace
    ops, values = trace.ops, trace.values
    pending, met = [value], False
    seen: set[int] = set()
    while pending:
        value = pending.pop()
        if value in seen:
            continue
        seen.add(value)
        if below.get(value) == wanted:
            met = True
            continue
        op = values.op[value]
        if op == NONE or values.tensor[value] != NONE:
            if not values.flags[value] & REQUIRES_GRAD:
                return False
            continue
        pending.extend(
            v for v in ops.inputs[ops.first_input[op] : ops.first_input[op + 1]] if values.flags[v] & DIFFERENTIABLE
        )
    return met
