"""What each shift says, in one sentence that every format shares; a format hands in how it writes a name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from gradcheck_freeze.report.change.value import Change, Count, Shift
from gradcheck_freeze.report.tables import many
from gradcheck_freeze.rules.finding import Finding

Written = Callable[[str], str]  # how a format writes a name that comes from the program
_MOST_NAMES = 4

# How the head of the sentence goes, and a word for the same thing in the past.
_NOW = {
    "trained": "is now trained",
    "blocked": "is now blocked",
    "fed": "now receives gradient that no optimizer applies",
    "written": "is now written outside the optimizers",
    "unused": "no longer takes part in any loss",
    "frozen": "is now frozen",
    "trainable": "now requires grad, but nothing trains it",
    "moving": "now changes: a forward pass or the program writes these buffers",
    "still": "no longer changes (buffers)",
    "new": "is new",
    "gone": "is gone",
}
_WAS = {
    "trained": "was trained",
    "blocked": "was blocked",
    "fed": "received gradient that no optimizer applied",
    "written": "was written outside the optimizers",
    "unused": "took part in no loss",
    "frozen": "was frozen",
}
_NEW = {
    "trained": "it is trained",
    "blocked": "but it is blocked",
    "fed": "it receives gradient that no optimizer applies",
    "written": "it is written outside the optimizers",
    "unused": "but it takes part in no loss",
    "frozen": "it is frozen",
}


def sentence(shift: Shift, written: Written) -> str:
    """Return the shift in words, without a full stop."""
    name, size = written(shift.name), f"({many(shift.elements, 'element')})"
    if shift.kind == "renamed":
        return f"{name} takes the place of {written(shift.called_before)} {size}: same names and shapes below it"
    if shift.kind in ("loss", "optimizer"):
        held = "reached" if shift.kind == "loss" else "held"
        most = f"most of what {written(shift.called_before)} {held}"
        tensors = many(len(shift.parameters), "tensor")
        return f"{shift.kind} {name} takes the place of {written(shift.called_before)}: it has {most} ({tensors})"
    if shift.kind == "rerouted":
        return f"{name} {size} {_rerouted(shift, written)}"
    if shift.kind in ("tied", "untied"):
        now = "is now another name of a tensor it was apart from" if shift.kind == "tied" else "is no longer tied"
        return f"{name} {now} {size}"
    if shift.kind == "blocked" and not shift.losses_after:
        return f"{name} is now cut off {size}: no gradient reaches it{_before(shift, written)}"
    return f"{name} {_NOW[shift.kind]} {size}{_how(shift, written)}{_before(shift, written)}"


def headline(change: Change) -> str:
    """Return what the change did in one line: findings first, then how many modules it moved."""
    parts = []
    if change.new:
        parts.append(f"{many(len(change.new), 'new finding')} ({_levels(change.new)})")
    if change.gone:
        parts.append(f"{many(len(change.gone), 'finding')} gone")
    if change.kept:
        parts.append(f"{many(len(change.kept), 'finding')} as before")
    if change.shifts:
        parts.append(many(len(change.shifts), "change") + " of the gradient flow")
    elif not change.new and not change.gone:
        return ", ".join(["no change of the gradient flow", *parts])
    return ", ".join(parts) or "no change of the gradient flow"


def totals(change: Change) -> list[str]:
    """Return how many parameters require grad and are trained, where that changed; without them an empty list."""
    before, after = change.before, change.after
    found = []
    if before.trainable != after.trainable:
        found.append(f"trainable parameters: {_counts(before.trainable, after.trainable)}")
    if before.trained != after.trained and (before.trained, after.trained) != (before.trainable, after.trainable):
        found.append(f"parameters that are trained: {_counts(before.trained, after.trained)}")
    if before.all != after.all:
        found.append(f"all parameters: {_counts(before.all, after.all)}")
    return found


def _counts(before: Count, after: Count) -> str:
    tensors = f"{before.parameters:,} → {after.parameters:,} tensors"
    difference = after.elements - before.elements
    change = f" ({difference:+,})" if difference else ""
    return f"{before.elements:,} → {after.elements:,} elements{change} in {tensors}"


def _levels(findings: Sequence[Finding]) -> str:
    counts = Counter(finding.severity for finding in findings)
    return ", ".join(many(counts[level], level.word) for level in sorted(counts, reverse=True))


def _how(shift: Shift, written: Written) -> str:
    """Return through what the parameters are trained or fed now."""
    kind = shift.after[0] if shift.kind == "new" and shift.after else shift.kind
    lead = f": {_NEW[kind]}" if shift.kind == "new" and kind in _NEW else ""
    losses, optimizers = _names(shift.losses_after, written), _names(shift.optimizers_after, written)
    if kind == "trained":
        by = [f"by {optimizers}"] if optimizers else []
        by += [f"with the gradient of {losses}"] if losses else []
        if by:
            return f"{lead} {', '.join(by)}" if lead else f": {', '.join(by)}"
    if kind == "fed" and losses:
        return f"{lead}, that of {losses}"
    if kind == "blocked" and losses:
        return f"{lead}: the gradient of {losses} reaches it and does not move it"
    return lead


def _before(shift: Shift, written: Written) -> str:
    """Return what happened to them in the base, where it is one thing."""
    if len(shift.before) != 1 or shift.before[0] == shift.kind or shift.kind in ("moving", "still", "trainable"):
        return ""
    was = _WAS[shift.before[0]]
    through = _through(shift, written) if shift.before[0] == "trained" else ""
    lead = "; it" if shift.kind == "gone" else "; before, it"
    return f"{lead} was {through}" if through else f"{lead} {was}"


def _through(shift: Shift, written: Written) -> str:
    losses, optimizers = _names(shift.losses_before, written), _names(shift.optimizers_before, written)
    by = ([f"by {optimizers}"] if optimizers else []) + ([f"with the gradient of {losses}"] if losses else [])
    return f"trained {', '.join(by)}" if by else ""


def _rerouted(shift: Shift, written: Written) -> str:
    losses_before, losses_after = set(shift.losses_before), set(shift.losses_after)
    parts = []
    if gained := [name for name in shift.losses_after if name not in losses_before]:
        parts.append(f"is now {'also ' if losses_before else ''}fed by {_names(gained, written)}")
    if lost := [name for name in shift.losses_before if name not in losses_after]:
        parts.append(f"is no longer fed by {_names(lost, written)}")
    if shift.optimizers_before != shift.optimizers_after:
        before, after = _names(shift.optimizers_before, written), _names(shift.optimizers_after, written)
        if before and after:
            parts.append(f"moved from {before} to {after}")
        else:
            parts.append(f"is now held by {after}" if after else f"is no longer held by {before}")
    return ", and ".join(parts)


def _names(names: Iterable[str], written: Written) -> str:
    names = list(names)
    more = [f"{len(names) - _MOST_NAMES:,} more"] if len(names) > _MOST_NAMES else []
    return ", ".join([*(written(name) for name in names[:_MOST_NAMES]), *more])
