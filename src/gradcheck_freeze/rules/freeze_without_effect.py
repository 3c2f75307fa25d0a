"""GF104."""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Location, Severity
from gradcheck_freeze.rules.idle_freezes import idle_freezes
from gradcheck_freeze.rules.intent import is_misspelt
from gradcheck_freeze.rules.places import place
from gradcheck_freeze.rules.rule import rule
from gradcheck_freeze.rules.source import attribute_set
from gradcheck_freeze.trace.record import NONE


@rule("GF104", kind="leak", severity=Severity.ERROR)
def freeze_without_effect(case: Case) -> Iterator[Finding]:
    """An attempt to freeze has no effect: the flag is set on a module, misspelt, or not set at all.

    Why it matters: Python lets any attribute be set. `module.requires_grad = False` and `p.require_grad = False` only make a
    new attribute; the parameters still require grad and are trained. A comparison, a `map` that nobody goes through and a loop
    over an iterator that is used up do not even that.

    Found:

        model.encoder.requires_grad = False
        for p in model.features.parameters():
            p.require_grad = False
            p.requires_grad == False

        map(lambda p: p.requires_grad_(False), model.encoder.parameters())

        old = itertools.chain(a.parameters(), b.parameters())
        print(sum(p.numel() for p in old))
        for p in old:                              # nothing is left
            p.requires_grad = False

    Left alone: such an attribute on what nobody updates, what stands under a condition of the program's, what nobody calls, and
    what is frozen in another way or trained on purpose.

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
    told = {t for tensors in groups.values() for t in tensors}
    flagged = {t for d in trace.declarations if d.kind == "requires_grad" for t in d.tensors}
    for idle in idle_freezes(trace):
        trained = {t for t in idle.tensors - told - flagged if t in case.intent.learn and case.flow.tensors[t].changed}
        if trained and not trained & case.intent.stated:
            told |= trained
            step = trace.steps[case.flow.tensors[min(trained)].changed[0]]
            stepped = place(trace, step.site, "step")
            yield freeze_without_effect.finding(
                case.flow,
                trained,
                f"{{where}} was meant to be frozen, but {idle.why}: {trace.optimizers[step.optimizer].name}.step() moves it.",
                idle.cause,
                trail=tuple(p for p in (stepped, idle.cause) if p),
                fix=idle.fix,
            )


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
