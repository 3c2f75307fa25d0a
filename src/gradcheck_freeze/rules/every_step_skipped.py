"""GF213."""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck_freeze.rules.attribution import held_by
from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Severity
from gradcheck_freeze.rules.nonfinite import maker, origin
from gradcheck_freeze.rules.places import place
from gradcheck_freeze.rules.rule import rule
from gradcheck_freeze.trace.record import NONE


@rule("GF213", kind="blockage", severity=Severity.ERROR)
def every_step_skipped(case: Case) -> Iterator[Finding]:
    """A GradScaler leaves out every step, because the gradient is never finite.

    Why it matters: the scaler takes an infinite or NaN gradient for an overflow, skips the step and halves its scale. Where
    the NaN comes from the program itself, a smaller scale does not help, and nothing is ever learned; no error is raised.

    Found:

        score = score.masked_fill(pad_mask, float("-inf")).softmax(1)    # a row that is all padding gives NaN
        scaler.scale(loss).backward()
        scaler.step(optimizer)

    Left alone: the first steps of a run, in which the scale is still being found, if a later step is made.

    Instead: keep rows without entries out of the softmax, add an epsilon under the root or logarithm, lower `init_scale`.
    """
    trace = case.flow.trace
    for number, optimizer in enumerate(trace.optimizers):
        skipped = [step for step in trace.skipped if step.optimizer == number]
        if len(skipped) < 3 or any(step.optimizer == number and step.changed for step in trace.steps):
            continue
        op = origin(case)
        first = place(trace, trace.ops.site[op], trace.op_names[trace.ops.name[op]]) if op != NONE else None
        asked = place(trace, skipped[0].site, "scaler.step")
        at = f" (first in {first.op} at line {first.line})" if first else ""
        yield every_step_skipped.finding(
            case.flow,
            {t for t in held_by(case, number) if t in skipped[0].gradients},
            f"{{where}} never moves: all {len(skipped)} steps of {optimizer.name} were skipped, for its gradient is not finite{at}.",
            maker(case, op) or asked,
            trail=tuple(p for p in (asked, first) if p),
            fix="Find where the NaN or infinity is made (torch.autograd.detect_anomaly shows the op), or lower the scaler's init_scale.",
        )
