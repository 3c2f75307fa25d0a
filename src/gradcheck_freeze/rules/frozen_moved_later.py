"""GF116."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Location, Severity
from gradcheck_freeze.rules.freezes import is_false
from gradcheck_freeze.rules.places import cover, line_at, place
from gradcheck_freeze.rules.rule import rule
from gradcheck_freeze.rules.syntax import called, files, tree_of
from gradcheck_freeze.trace.record import NONE, LaterChange, Trace


@rule("GF116", kind="leak", severity=Severity.ERROR)
def frozen_moved_later(case: Case) -> Iterator[Finding]:
    """A frozen tensor stands still in the watched steps and is changed later in the run.

    Why it matters: the first steps look right. An unfreeze in a later epoch, a callback or a schedule, moves the weights all the
    same. Only `--guard` sees it: it holds what stood still in the window against what it is later.

    Found, with the contract `frozen = ["encoder"]`:

        if epoch == 5:
            model.requires_grad_(True)         # the encoder is a part of the model

    and without one, when a step moves a parameter whose `requires_grad` is still False, by a gradient that was put into it.

    Left alone: gradual unfreezing, where no contract forbids it; what is written when the training is over (a checkpoint that
    is loaded, LoRA weights that are merged, a conversion to another dtype); target networks and averages, without a contract.

    Instead: leave out of the later unfreeze what is to stay frozen, or take it out of the contract.
    """
    trace = case.flow.trace
    groups: dict[LaterChange, list[int]] = {}
    for tensor, change in sorted(broken_later(case).items()):
        groups.setdefault(replace(change, tensor=NONE), []).append(tensor)
    for change, tensors in groups.items():
        step = place(trace, change.site, "step")
        cause, why, fix = _reason(trace, change, step)
        trail = tuple(dict.fromkeys(p for p in (step, cause) if p))
        message = f"{{where}} must stay frozen and did until {_step(change.since)}, but {_what(change, step)}: {why}."
        yield frozen_moved_later.finding(case.flow, tensors, message, cause, trail=trail, fix=fix)


def broken_later(case: Case) -> dict[int, LaterChange]:
    """Return the tensors that were to stay frozen and were seen to change outside the windows, each with how."""
    guarded = case.flow.trace.guarded
    return {change.tensor: change for change in guarded.changes if _is_broken(case, change)} if guarded else {}


def _is_broken(case: Case, change: LaterChange) -> bool:
    """Return whether a change breaks a promise: that of the contract, or that of a flag which is still set.

    An author who sets the flag anew has changed what he means. What changed with no gradient, by the time of the last look, may
    have been written when the training was over.
    """
    if change.tensor not in case.intent.fixed or change.tensor in case.intent.tried:
        return False
    if change.tensor in case.intent.stated:
        return change.fed or not change.at_end
    return change.fed and not change.requires_grad and case.flow.trace.tensors[change.tensor].kind == "parameter"


def changed_at_the_end(case: Case) -> list[str]:
    """Return what to say of tensors that the contract freezes and that differ at the end, with no sign of training."""
    guarded = case.flow.trace.guarded
    found: dict[int, list[int]] = {}
    for change in guarded.changes if guarded else ():
        if change.tensor in case.intent.fixed & case.intent.stated and not _is_broken(case, change):
            found.setdefault(change.since, []).append(change.tensor)
    return [
        f"{cover(case.flow.trace, tensors)} must stay frozen and differs at the end from what it was at {_step(since)}; "
        "no step had a gradient for it, so it was written by something else, and that was not watched"
        for since, tensors in found.items()
    ]


def _step(number: int) -> str:
    return f"step {number:,}" if number else "the first step"


def _what(change: LaterChange, step: Location | None) -> str:
    if change.site != NONE and change.since >= change.step - 1:
        at = f" at line {step.line}" if step else ""
        return f"{change.optimizer}.step(){at} moves it in step {change.step:,}"
    when = "at the end" if change.at_end else f"after {_step(change.step)}"
    return f"it is another {when}, outside the steps that were watched"


def _reason(trace: Trace, change: LaterChange, step: Location | None) -> tuple[Location | None, str, str]:
    if not change.requires_grad:
        if change.fed:
            return (
                step,
                "a gradient was put into its .grad, though it does not require one",
                "Pass over parameters whose requires_grad is False, or whose .grad is None.",
            )
        return (
            step,
            "something writes into it, with no gradient",
            "Watch these steps with --after or --every to see the line that does.",
        )
    line = place(trace, change.switched, "requires_grad = True") or _only_unfreeze(trace)
    if line is None:
        return step, "it has been made trainable since", "Leave it out of what is made trainable later."
    return (
        line,
        "it is made trainable again here",
        "Leave it out here; or out of the contract, if it is to learn from then on.",
    )


def _only_unfreeze(trace: Trace) -> Location | None:
    """Return the line that sets a flag to True and was not come to in the windows, if there is one such line alone."""
    ran = {(trace.sites[d.site].path, trace.sites[d.site].line) for d in trace.declarations if d.site != NONE}
    lines = {(path, line) for path in files(trace) for line in _unfreezing_lines(path)} - ran
    return line_at(trace, *lines.pop(), "requires_grad = True") if len(lines) == 1 else None


def _unfreezing_lines(path: str) -> Iterator[int]:
    """Yield the lines of a file that set `requires_grad` to something else than False."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Assign) and not is_false(node.value):
            if any(isinstance(t, ast.Attribute) and t.attr == "requires_grad" for t in node.targets):
                yield node.lineno
        elif isinstance(node, ast.Call) and called(node) == "requires_grad_" and not any(map(is_false, node.args)):
            yield node.lineno
