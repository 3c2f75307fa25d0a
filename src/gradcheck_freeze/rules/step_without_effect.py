"""GF211."""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Location, Severity
from gradcheck_freeze.rules.places import line_at, place
from gradcheck_freeze.rules.rule import rule
from gradcheck_freeze.rules.source import last_return
from gradcheck_freeze.rules.syntax import rates_in
from gradcheck_freeze.trace.record import NONE
from gradcheck_freeze.trace.training import Step

# Eight times the rounding error, against the largest gradient of the step. In lower precision lost updates are the rule.
_NOISE = {"float64": 2.0**-49, "float32": 2.0**-20}
Reasons = dict[tuple[Location | None, str, str], set[int]]  # line, why, what to do → the tensors


@rule("GF211", kind="blockage", severity=Severity.ERROR)
def step_without_effect(case: Case) -> Iterator[Finding]:
    """Backward gives gradient, the optimizer steps, and nothing moves, in every step watched.

    Why it matters: the loop looks complete, yet every update is empty: the gradient was zeroed between `backward()` and
    `step()`, or the learning rate is 0.

    Found:

        loss.backward()
        optimizer.zero_grad()
        optimizer.step()

    Left alone: a first step at learning rate 0 (warm-up) followed by others, steps that GradScaler skips once, and a single
    group whose rate is raised later in the watched part.

    Instead: zero the gradient after `step()` or before `backward()`; start the schedule above 0.
    """
    trace = case.flow.trace
    for number in range(len(trace.optimizers)):
        steps = [step for step in trace.steps if step.optimizer == number]
        if len(steps) < 2:
            continue
        reasons: Reasons = {}
        for position, group in enumerate(trace.optimizers[number].groups):
            fed = {t for t in group.tensors if case.flow.tensors[t].received and t in case.intent.learn}
            fed -= case.cut.keys()
            still = {t for t in fed if not any(t in step.changed for step in steps)}
            _explain(case, number, position, steps, still, reasons)
        name = trace.optimizers[number].name
        for (cause, why, fix), tensors in reasons.items():
            yield step_without_effect.finding(
                case.flow, tensors, f"{name}.step() never moves {{where}}: {why}.", cause, fix=fix
            )


def _explain(case: Case, number: int, position: int, steps: list[Step], still: set[int], reasons: Reasons) -> None:
    """Add to the reasons what keeps the tensors of one group still."""
    trace = case.flow.trace
    optimizer = trace.optimizers[number]
    for tensor in still:
        seen = [step for step in steps if tensor in step.gradients]
        if len(seen) < 2:
            continue
        always_zero = trace.gradients[tensor].state == "zero"  # by its derivative: gradient-always-zero tells where
        if not always_zero and not any(step.losses.get(tensor) for step in seen):
            reasons.setdefault(emptied(case, tensor, seen), set()).add(tensor)
        elif all(position < len(step.lr) and step.lr[position] == 0 for step in seen):
            reasons.setdefault(_no_rate(case, number, len(seen)), set()).add(tensor)
        elif (
            len(seen) > 2
            and all(step.gradients[tensor].state == "finite" and step.losses.get(tensor) for step in seen)
            and all(position < len(step.lr) and step.lr[position] > 0 for step in seen)
            and not all(_is_noise(step, step.gradients[tensor].norm, trace.tensors[tensor].dtype) for step in seen)
        ):
            built = place(trace, optimizer.built, "optimizer")
            dtype = trace.tensors[tensor].dtype
            why = f"its gradient is not zero, but an update of this size is lost in rounding ({dtype})"
            keep = (
                "Raise the learning rate, or keep the weights in float32 and compute in lower precision under autocast."
            )
            reasons.setdefault((built, why, keep), set()).add(tensor)


def _is_noise(step: Step, norm: float | None, dtype: str) -> bool:
    """Return whether a gradient is no more than the rounding error of what others get, so that nothing is lost with it.

    A bias before a softmax or a difference has such a gradient: in exact arithmetic it is zero. Measured in float32 behind
    attention, a distance and BatchNorm: 1e-8 to 6e-7 of the gradient of the weight beside it.
    """
    largest = max((g.norm for g in step.gradients.values() if g.norm is not None), default=0.0)
    return norm is not None and norm <= _NOISE.get(dtype, 0.0) * largest


def emptied(case: Case, tensor: int, steps: list[Step]) -> tuple[Location | None, str, str]:
    """Return what took the gradient away between backward and step."""
    trace = case.flow.trace
    ops = trace.ops
    last = max((b.after for b in trace.backwards if b.after <= steps[-1].after and tensor in b.received), default=0)
    between = [z for z in trace.zeroings if last <= z.after <= steps[-1].after and tensor in z.tensors]
    if between or steps[-1].gradients[tensor].state == "none":
        cause = place(trace, between[-1].site if between else steps[-1].site, "zero_grad")
        return (
            cause,
            "the gradient is zeroed between backward() and step()",
            "Move zero_grad() after step(), or before backward().",
        )
    scaled = [
        op
        for op in range(last, steps[-1].after)
        if any(trace.gradient_of.get(v) == tensor for v in ops.inputs[ops.first_input[op] : ops.first_input[op + 1]])
    ]
    cause = place(trace, ops.site[scaled[-1]] if scaled else steps[-1].site, "gradient set to zero")
    return (
        cause,
        "its gradient is made zero between backward() and step()",
        "Look at what is done to .grad here: a clipping norm or factor of 0 leaves nothing.",
    )


def _no_rate(case: Case, number: int, count: int) -> tuple[Location | None, str, str]:
    """Return what sets the learning rate to 0."""
    trace = case.flow.trace
    optimizer = trace.optimizers[number]
    cause = place(trace, optimizer.built, "optimizer")
    if optimizer.loaded != NONE:
        cause = place(trace, optimizer.loaded, "load_state_dict")
    if optimizer.schedule != NONE:
        cause = last_return(trace, optimizer.schedule, "schedule")
    elif optimizer.built != NONE and any(lr for step in trace.steps if step.optimizer == number for lr in step.lr):
        path = trace.sites[optimizer.built].path  # a rate of its own for every group
        written = rates_in(path)
        cause = line_at(trace, path, written[0], "lr") if len(written) == 1 else cause
    return (
        cause,
        f"its learning rate was 0 in all {count} steps watched",
        "Let the schedule start above 0, and call scheduler.step() after every optimizer step it counts.",
    )
