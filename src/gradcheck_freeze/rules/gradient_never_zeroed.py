"""GF302."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from gradcheck_freeze.rules.by_hand import WRITTEN, Event, events
from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Location, Severity
from gradcheck_freeze.rules.places import place
from gradcheck_freeze.rules.rule import rule
from gradcheck_freeze.trace.training import Step

_SCALING = frozenset({"mul_", "_foreach_mul_", "div_", "_foreach_div_", "clamp_", "_foreach_clamp_max_", "nan_to_num_"})


@rule("GF302", kind="hazard", severity=Severity.NOTE)
def gradient_never_zeroed(case: Case) -> Iterator[Finding]:
    """Every step applies, beside the new gradient, what the steps before it have applied already.

    Why it matters: `backward()` adds to `.grad`. Without `zero_grad()` the first batch is applied in every step that follows: the
    updates grow and lag behind the loss, as under a momentum of 1.

    Found (a warning once three steps in a row have done so):

        for x, y in loader:
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()               # and no zero_grad()

    A `zero_grad()` that stands in the outer loop, once for an epoch, is found as well.

    Left alone: several backwards before one step; a gradient that is set to None or zeroed by any means, also inside a
    closure; one that the program itself scales, replaces or writes into between two steps (momentum by hand); the same gradient
    applied in two steps with nothing added; a program seen in one step only.

    Instead: `optimizer.zero_grad()` before each backward, or after each step.
    """
    trace = case.flow.trace
    done = events(trace)
    groups: dict[tuple[int, int], list[int]] = {}
    for number in range(len(trace.optimizers)):
        steps = [step for step in trace.steps if step.optimizer == number]
        for tensor in sorted({t for step in steps for t in step.losses}) if len(steps) > 1 else ():
            count = _steps_with_old(case, steps, tensor, done.get(tensor, ()))
            if count:
                groups.setdefault((number, count), []).append(tensor)
    told: set[int] = set()  # two optimizers that hold one parameter tell of it once
    for (number, count), tensors in groups.items():
        fresh = [t for t in tensors if t not in told]
        told.update(fresh)
        if fresh:
            yield _told(case, number, count, fresh)


def _steps_with_old(case: Case, steps: Sequence[Step], tensor: int, done: Sequence[Event]) -> int:
    """Return how many steps in a row moved a tensor by old gradient and new; 0 for a single one beside others."""
    seen = [step for step in steps if step.losses.get(tensor)]
    run = longest = 0
    zeroed = False
    for before, after in pairwise(seen):
        old, new = _old_and_new(before.losses[tensor], after.losses[tensor])
        if old and not new:
            continue  # the same gradient once more
        if old and _by_hand(case, before, after, tensor, done, new[0]):
            return 0
        run = run + 1 if old else 0
        zeroed = zeroed or not old
        longest = max(longest, run)
    return 0 if zeroed and longest < 2 else longest


def _old_and_new(before: Sequence[int], after: Sequence[int]) -> tuple[set[int], list[int]]:
    return set(before) & set(after), [backward for backward in after if backward not in before]


def _by_hand(case: Case, before: Step, after: Step, tensor: int, done: Sequence[Event], first: int) -> bool:
    """Return whether the program itself writes into the gradient between two steps, other than to clip what is new."""
    trace = case.flow.trace
    if any(before.after <= when <= after.after for when, _ in trace.handed.get(tensor, ())):
        return True
    arrives = trace.backwards[first].after
    for op, what in done:
        mine = what == WRITTEN and (op < arrives or trace.op_names[trace.ops.name[op]] not in _SCALING)
        if mine and before.after <= op < after.after:
            return True
    return False


def _told(case: Case, number: int, count: int, tensors: Sequence[int]) -> Finding:
    trace = case.flow.trace
    optimizer = trace.optimizers[number]
    step = [s for s in trace.steps if s.optimizer == number and s.losses.get(tensors[0])][-1]
    backward: Location | None = place(trace, trace.backwards[step.losses[tensors[0]][-1]].site, "backward")
    stepped = place(trace, step.site, "step")
    held = len(step.losses[tensors[0]])
    before = f" before line {backward.line}" if backward else ""
    return gradient_never_zeroed.finding(
        case.flow,
        tensors,
        f"The gradient of {{where}} is not zeroed between steps: {optimizer.name}.step() applies again what earlier steps "
        f"have applied (the last one seen, the sum of {held} backward calls).",
        backward,
        trail=tuple(p for p in (stepped, backward) if p),
        fix=f"Call {optimizer.name}.zero_grad(){before}, once for every step.",
        severity=Severity.WARNING if count > 1 else None,
    )
