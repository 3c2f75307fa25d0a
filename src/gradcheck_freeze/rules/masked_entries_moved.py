"""GF108."""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Location, Severity
from gradcheck_freeze.rules.places import place
from gradcheck_freeze.rules.rule import rule
from gradcheck_freeze.rules.step_without_effect import emptied


@rule("GF108", kind="leak", severity=Severity.ERROR)
def masked_entries_moved(case: Case) -> Iterator[Finding]:
    """Entries whose gradient was set to zero by hand are moved all the same.

    Why it matters: a zero gradient is not a frozen entry. Weight decay shrinks it in every step, and momentum carries on
    what earlier gradients began.

    Found:

        optimizer = AdamW(embedding.parameters(), weight_decay=1e-2)
        embedding.weight.grad[~new_token] = 0.0
        optimizer.step()

    Left alone: rows that were not in the batch, and masks whose entries stay as they are.

    Instead: weight_decay=0 (and no momentum from before) for this parameter, or write the fixed rows back after the step.
    """
    trace = case.flow.trace
    for masking in trace.maskings:
        steps = [step for step in trace.steps if masking.tensor in step.moved_at_zero]
        if not steps or masking.whole:
            continue
        optimizer = trace.optimizers[steps[0].optimizer]
        settings = next((g.settings for g in optimizer.groups if masking.tensor in g.tensors), {})
        by = "weight decay" if settings.get("weight_decay") else "momentum or the optimizer's own rule"
        built, masked = place(trace, optimizer.built, "optimizer"), place(trace, masking.site, "mask")
        at = f" at line {masked.line}" if masked else ""
        yield masked_entries_moved.finding(
            case.flow,
            (masking.tensor,),
            f"{{where}} has entries whose gradient is set to zero{at}, and {by} in {optimizer.name}.step() moves them.",
            built if settings.get("weight_decay") and built else masked,
            trail=tuple(p for p in (place(trace, steps[0].site, "step"), masked, built) if p),
            fix="Put it into a parameter group with weight_decay=0 (and without momentum), or restore those entries after step().",
        )
    yield from _emptied_by_hand(case)


def _emptied_by_hand(case: Case) -> Iterator[Finding]:
    """Yield what moves though all of its gradient is zeroed between backward and step, every time, beside what keeps its own."""
    trace = case.flow.trace
    groups: dict[tuple[int, Location | None], list[int]] = {}
    for tensor in sorted(case.intent.learn):
        seen = case.flow.tensors[tensor]
        steps = [trace.steps[s] for s in seen.steps]
        if (
            not seen.received
            or len(steps) < 2
            or len(seen.changed) < len(steps)
            or trace.tensors[tensor].kind != "parameter"
        ):
            continue
        if any(step.losses.get(tensor) or step.gradients[tensor].state != "zero" for step in steps):
            continue
        if all(any(step.losses.values()) for step in steps):
            cause, _, _ = emptied(case, tensor, steps)
            groups.setdefault((steps[0].optimizer, cause), []).append(tensor)
    for (number, cause), tensors in groups.items():
        optimizer = trace.optimizers[number]
        yield masked_entries_moved.finding(
            case.flow,
            tensors,
            f"The gradient of {{where}} is set to zero before every step, and {optimizer.name}.step() moves it all the same, by "
            "weight decay or momentum.",
            cause,
            trail=tuple(p for p in (cause, place(trace, optimizer.built, "optimizer")) if p),
            fix="Freeze it with requires_grad_(False) and set its .grad to None, or leave it out of the optimizer.",
        )
