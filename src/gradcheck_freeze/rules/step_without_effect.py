"""GF211."""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Location, Severity
from gradcheck_freeze.rules.places import place
from gradcheck_freeze.rules.rule import rule
from gradcheck_freeze.trace.record import Step


@rule("GF211", kind="blockage", severity=Severity.ERROR)
def step_without_effect(case: Case) -> Iterator[Finding]:
    """Backward gives gradient, the optimizer steps, and nothing moves, in every step watched.

    Why it matters: the loop looks complete, yet every update is empty: the gradient was zeroed between `backward()` and
    `step()`, or the learning rate is 0.

    Found:

        loss.backward()
        optimizer.zero_grad()
        optimizer.step()

    Left alone: a first step at learning rate 0 (warm-up) followed by others, and steps that GradScaler skips once.

    Instead: zero the gradient after `step()` or before `backward()`; start the schedule above 0.
    """
    trace = case.flow.trace
    for number, optimizer in enumerate(trace.optimizers):
        steps = [step for step in trace.steps if step.optimizer == number]
        held = {t for group in optimizer.groups for t in group.tensors}
        fed = {t for t in held if case.flow.tensors[t].received and t in case.intent.learn}
        if len(steps) < 2 or not fed or any(step.changed.keys() & held for step in steps):
            continue
        found = _why(case, steps, fed)
        if found is not None:
            cause, why, fix = found
            yield step_without_effect.finding(
                case.flow, fed, f"{optimizer.name}.step() never moves {{where}}: {why}.", cause, fix=fix
            )


def _is_empty(step: Step, tensor: int) -> bool:
    """Return whether nothing was left, when the step came, of the gradient that some loss had given."""
    state = step.gradients[tensor].state
    return state == "none" or (state == "zero" and tensor not in step.losses)


def _why(case: Case, steps: list[Step], fed: set[int]) -> tuple[Location | None, str, str] | None:
    trace = case.flow.trace
    if all(_is_empty(step, t) for step in steps for t in fed if t in step.gradients):
        last = max((b.after for b in trace.backwards if b.after <= steps[-1].after), default=0)
        between = [z for z in trace.zeroings if last <= z.after <= steps[-1].after and fed & set(z.tensors)]
        cause = place(trace, between[-1].site if between else steps[-1].site, "zero_grad")
        return (
            cause,
            "the gradient is zeroed between backward() and step()",
            "Move zero_grad() after step(), or before backward().",
        )
    if all(not any(step.lr) for step in steps):
        optimizer = trace.optimizers[steps[0].optimizer]
        return (
            place(trace, optimizer.built, "optimizer"),
            f"its learning rate was 0 in all {len(steps)} steps watched",
            "Let the schedule start above 0, and call scheduler.step() after every optimizer step it counts.",
        )
    return None
