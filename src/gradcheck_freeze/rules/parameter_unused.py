"""GF205."""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Severity
from gradcheck_freeze.rules.places import place
from gradcheck_freeze.rules.rule import rule
from gradcheck_freeze.trace.record import NONE


@rule("GF205", kind="blockage", severity=Severity.WARNING)
def parameter_unused(case: Case) -> Iterator[Finding]:
    """A trainable parameter in an optimizer is read by no op.

    Why it matters: it is stored, saved and handed to the optimizer, but never computed with; a layer that was meant to
    act does not. DistributedDataParallel stops on it.

    Found:

        self.projection = nn.Linear(d, d)    # never called in forward

    Left alone: a parameter in no optimizer, a network that is never used and whose optimizer never steps (it was built to be
    saved), and one of several alike modules of which others were used (an expert
    that the router did not pick, a layer dropped at random).

    Instead: call the module in `forward`, or delete it.
    """
    if case.forward_unseen:
        return
    trace = case.flow.trace
    left_out = any(
        seen.received and not seen.optimizers and t in case.intent.learn for t, seen in enumerate(case.flow.tensors)
    )
    written = {case.root(t) for t, seen in enumerate(case.flow.tensors) if seen.written} if left_out else set()
    idle = _idle_roots(case)
    groups: dict[int, list[int]] = {}
    for tensor in sorted(case.unread):
        record = trace.tensors[tensor]
        if not (case.flow.tensors[tensor].optimizers or tensor in case.intent.stated) or not record.alive:
            continue
        if left_out and (".param_groups." in record.names[0] or case.root(tensor) in written):
            continue  # a second model, or an average, that the optimizer has in place of the first one: told of that one
        if tensor not in case.intent.stated and case.root(tensor) in idle:
            continue
        if record.module != NONE and _sibling_used(case, record.module):
            continue
        groups.setdefault(record.module, []).append(tensor)
    for module, tensors in groups.items():
        site = trace.modules[module].declared if module != NONE else NONE
        cause = place(trace, site if site != NONE else trace.tensors[tensors[0]].declared, "unused")
        yield parameter_unused.finding(
            case.flow,
            tensors,
            "{where} is in an optimizer but no op ever reads it.",
            cause,
            fix="Use it in forward, or remove it from the model.",
        )


def _idle_roots(case: Case) -> set[str]:
    """Return the roots of which no loss has a part and no step goes over one, while others are."""
    trace, seen = case.flow.trace, case.flow.tensors
    if not trace.steps:
        return set()
    used = {case.root(t) for t in range(len(seen)) if seen[t].data or seen[t].received or seen[t].steps}
    return {case.root(t) for t in case.unread} - used


def _sibling_used(case: Case, module: int) -> bool:
    """Return whether a module of the same type under the same list was called: this one may be a choice not taken."""
    modules = case.flow.trace.modules
    used = {(m.parent, m.type_name) for m in modules if m.called}
    while module != NONE:
        here = modules[module]
        if not here.called and here.name.rpartition(".")[2].isdigit() and (here.parent, here.type_name) in used:
            return True
        module = here.parent
    return False
