"""What a plan says of the cost of one step, as the few lines that every report for people has."""

from __future__ import annotations

from collections.abc import Sequence

from gradcheck_freeze.report.tables import many
from gradcheck_freeze.report.words import shown
from gradcheck_freeze.rules.diagnosis import Amount, Diagnosis
from gradcheck_freeze.rules.planned import in_words

TITLE = "one step as planned, without what the forward keeps for the backward"
Line = tuple[str, str]  # what, and how much of it


def lines(diagnosis: Diagnosis) -> list[Line]:
    """Return the lines, none where tensors had memory."""
    plan = diagnosis.plan
    if plan is None:
        return []
    found = [("weights", amounts(plan.weights)), ("gradients", amounts(plan.gradients))]
    if plan.unused_work is not None:
        found.append(("  of no optimizer", amounts(plan.unused_gradients)))
        found.append(("optimizer state", amounts(plan.states)))
    if plan.work is not None:
        said = f"{operations(plan.work)} in matrix products and convolutions"
        if plan.unused_work:
            share = plan.unused_work / plan.work
            said += f", {f'{share:.0%}' if share >= 0.005 else 'under 1%'} of it for gradients of no optimizer only"
        found.append(("backward", said))
    return found


def amounts(parts: Sequence[Amount]) -> str:
    """Return sizes by dtype, the largest first."""
    if not parts:
        return "none"
    ordered = sorted(parts, key=lambda part: (-part.bytes, part.dtype))
    counts = [f" ({many(part.tensors, 'tensor')})" if part.tensors else "" for part in ordered]
    return ", ".join(
        f"{in_words(part.bytes)} {shown(part.dtype, 20)}{count}" for part, count in zip(ordered, counts, strict=True)
    )


def operations(count: int) -> str:
    """Return floating point operations in three digits: 286 TFLOP."""
    value, units = float(count), ["", "k", "M", "G", "T", "P", "E"]
    while value >= 999.5 and len(units) > 1:
        value /= 1000
        units.pop(0)
    return f"{value:.3g} {units[0]}FLOP"
