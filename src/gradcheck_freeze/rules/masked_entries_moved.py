"""GF108."""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Severity
from gradcheck_freeze.rules.places import place
from gradcheck_freeze.rules.rule import rule


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
