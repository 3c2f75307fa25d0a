"""GF221."""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck_freeze.rules.attribution import held_by
from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Severity
from gradcheck_freeze.rules.places import place
from gradcheck_freeze.rules.rule import rule

_PATIENCE = 4


@rule("GF221", kind="blockage", severity=Severity.ERROR)
def optimizer_never_steps(case: Case) -> Iterator[Finding]:
    """Parameters get gradient again and again, but the optimizer that holds them never makes a step.

    Why it matters: `backward()` only fills `.grad`. Without `step()` nothing moves.

    Found:

        loss.backward()
        scheduler.step()                  # optimizer.step() was meant

        opt_g.step()                      # twice; opt_d.step() was meant

    Left alone: gradient accumulation that reaches its step, and an optimizer that is built and never fed.

    Instead: call `step()` of the optimizer that holds the parameters.
    """
    trace = case.flow.trace
    stepped = {step.optimizer for step in trace.steps} | {step.optimizer for step in trace.skipped}
    for number, optimizer in enumerate(trace.optimizers):
        held = held_by(case, number)
        alone = {t for t in held if not any(o in stepped for o, _ in case.flow.tensors[t].optimizers)}
        fed = [b for b in trace.backwards if not b.returns and alone & set(b.received)]
        if number in stepped or len(fed) < _PATIENCE or not alone:
            continue
        moved = any(case.flow.tensors[t].changed or case.flow.tensors[t].written for t in alone)
        if moved or (not stepped and not trace.closed.startswith("the program ended")):
            continue
        waiting = {t for t in alone if case.flow.tensors[t].received and t in case.intent.learn}
        if not waiting:
            continue
        backward = place(trace, fed[-1].site, "backward")
        built = place(trace, optimizer.built, "optimizer")
        yield optimizer_never_steps.finding(
            case.flow,
            waiting,
            f"{{where}} gets gradient in {len(fed)} backward calls, but {optimizer.name}.step() is never called.",
            built,
            trail=tuple(p for p in (backward, built) if p),
            fix=f"Call {optimizer.name}.step() after backward().",
        )
