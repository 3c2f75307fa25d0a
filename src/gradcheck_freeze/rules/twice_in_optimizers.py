"""GF303."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Severity
from gradcheck_freeze.rules.places import place
from gradcheck_freeze.rules.rule import rule


@rule("GF303", kind="hazard", severity=Severity.NOTE)
def twice_in_optimizers(case: Case) -> Iterator[Finding]:
    """A parameter is moved by two optimizers in turn, or stands twice in the groups of one.

    Why it matters: each optimizer has a momentum and a weight decay of its own, and none knows what the other did. Where both
    apply one and the same gradient, or one has the parameter twice, every update is made twice over: a warning.

    Found:

        params = [*encoder.parameters(), *decoder.parameters()]    # decoder.out.weight is encoder.embedding.weight
        optimizer = SGD(params, lr=0.1)

        opt_all = Adam(model.parameters())
        opt_head = Adam(model.head.parameters(), lr=1e-2)
        loss.backward(); opt_all.step(); opt_head.step()

    Left alone: an optimizer that takes the place of another, or works in another phase of the training; one that wraps
    another; two that hold the same parameter of which only one ever moves it.

    Instead: give each parameter to one optimizer, with a parameter group where it needs settings of its own.
    """
    yield from _twice_in_one(case)
    trace = case.flow.trace
    groups: dict[tuple[int, int], list[int]] = {}
    for tensor, seen in enumerate(case.flow.tensors):
        holders = sorted({trace.steps[s].optimizer for s in seen.changed})
        for i, first in enumerate(holders):
            for second in holders[i + 1 :]:
                turns = [trace.steps[s].optimizer for s in seen.changed if trace.steps[s].optimizer in (first, second)]
                if sum(a != b for a, b in pairwise(turns)) > 1:
                    groups.setdefault((first, second), []).append(tensor)
    for (first, second), tensors in groups.items():
        yield _in_two(case, first, second, tensors)


def _in_two(case: Case, first: int, second: int, tensors: list[int]) -> Finding:
    trace = case.flow.trace
    one, other = trace.optimizers[first], trace.optimizers[second]
    again = _applied_twice(case, first, second, tensors[0]) > 1
    what = (
        "both apply the same gradient to it, so every update is made twice over"
        if again
        else "each has a momentum and a state of its own for it, and does not know what the other did"
    )
    built, earlier = place(trace, other.built, "optimizer"), place(trace, one.built, "optimizer")
    return twice_in_optimizers.finding(
        case.flow,
        tensors,
        f"{{where}} is moved by {one.name}.step() and {other.name}.step() in turn: {what}.",
        built,
        trail=tuple(p for p in (built, earlier) if p),
        fix=f"Take it out of {one.name} or out of {other.name}; for settings of its own, use a parameter group.",
        severity=Severity.WARNING if again else None,
    )


def _applied_twice(case: Case, first: int, second: int, tensor: int) -> int:
    """Return in how many pairs of steps, next to each other, both optimizers applied one and the same gradient."""
    trace = case.flow.trace
    steps = [s for i in case.flow.tensors[tensor].changed if (s := trace.steps[i]).optimizer in (first, second)]
    return sum(
        a.optimizer != b.optimizer and bool(a.losses.get(tensor)) and a.losses.get(tensor) == b.losses.get(tensor)
        for a, b in pairwise(steps)
    )


def _twice_in_one(case: Case) -> Iterator[Finding]:
    """Yield what stands more than once in the groups of an optimizer that moves it."""
    trace = case.flow.trace
    for number, optimizer in enumerate(trace.optimizers):
        counts = Counter(t for group in optimizer.groups for t in group.tensors)
        moved = {t for step in trace.steps if step.optimizer == number for t in step.changed}
        tensors = [t for t, count in counts.items() if count > 1 and t in moved]
        if tensors:
            times = max(counts[t] for t in tensors)
            yield twice_in_optimizers.finding(
                case.flow,
                tensors,
                f"{{where}} stands {'twice' if times == 2 else f'{times} times'} in the groups of {optimizer.name}: every "
                "step() moves it that often.",
                place(trace, optimizer.built, "optimizer"),
                fix="Give each parameter once: model.parameters() of the module around both lists a shared one once only.",
                severity=Severity.WARNING,
            )
