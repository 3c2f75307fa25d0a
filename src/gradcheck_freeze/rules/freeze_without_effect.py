"""GF104."""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Location, Severity
from gradcheck_freeze.rules.freezes import lazy_freezes
from gradcheck_freeze.rules.intent import is_misspelt
from gradcheck_freeze.rules.rule import rule
from gradcheck_freeze.rules.source import attribute_set
from gradcheck_freeze.trace.record import NONE


@rule("GF104", kind="leak", severity=Severity.ERROR)
def freeze_without_effect(case: Case) -> Iterator[Finding]:
    """An attempt to freeze has no effect: the flag is set on a module, or misspelt, or set in a loop that is never run.

    Why it matters: Python lets any attribute be set. `module.requires_grad = False` and `p.require_grad = False` only make a
    new attribute; the parameters still require grad and are trained.

    Found:

        model.encoder.requires_grad = False
        for p in model.features.parameters():
            p.require_grad = False
        map(lambda p: p.requires_grad_(False), model.neck.parameters())

    Left alone: such an attribute on what nobody updates.

    Instead: `model.encoder.requires_grad_(False)`.
    """
    trace = case.flow.trace
    groups: dict[Location | None, list[int]] = {}
    for tensor in sorted(case.intent.tried):
        if not (case.flow.tensors[tensor].changed or case.flow.tensors[tensor].received) or tensor in case.intent.learn:
            continue
        attributes = set(trace.tensors[tensor].attributes) or {"requires_grad"}
        groups.setdefault(_assignment(case, attributes, tensor), []).append(tensor)
    for cause, tensors in groups.items():
        yield freeze_without_effect.finding(
            case.flow,
            tensors,
            "{where} was meant to be frozen, but this only sets a Python attribute: it is still trained.",
            cause,
            fix="Call requires_grad_(False) on the module, or set p.requires_grad = False on each parameter.",
        )
    told = {tensor for tensors in groups.values() for tensor in tensors}
    for cause, name, meant in left_by_a_lazy_freeze(case):
        if meant - told and not meant & case.intent.stated:
            yield freeze_without_effect.finding(
                case.flow,
                meant - told,
                "{where} was meant to be frozen, but what is made here is never gone through: it is still trained.",
                cause,
                fix=f"Call {name}.requires_grad_(False), or set the flag in a for loop.",
            )


def left_by_a_lazy_freeze(case: Case) -> Iterator[tuple[Location, str, set[int]]]:
    """Yield the line of each `map` or generator that would freeze and is never run, the module, and what of it is trained."""
    tensors = case.flow.trace.tensors
    for cause, name in lazy_freezes(case.flow.trace):
        module = name.removeprefix("self.")
        meant = {
            t
            for t, record in enumerate(tensors)
            if module
            and record.kind == "parameter"
            and case.flow.tensors[t].changed
            and any(f".{module}." in f".{n}" for n in record.names)
        }
        yield cause, name, meant


def _assignment(case: Case, attributes: set[str], tensor: int) -> Location | None:
    """Return the line of the user's sources that sets the attribute."""
    trace = case.flow.trace
    misspelt = {name for name in attributes if is_misspelt(name)}
    wanted = misspelt or {"requires_grad"}
    module = trace.tensors[tensor].module
    flagged = ""
    while module != NONE and not flagged:
        flagged = trace.modules[module].name if trace.modules[module].attributes else ""
        module = trace.modules[module].parent
    return attribute_set(trace, wanted, "" if misspelt else flagged)
