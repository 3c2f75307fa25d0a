"""GF224."""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck_freeze.rules.blame import DETACHING
from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Location, Severity
from gradcheck_freeze.rules.places import place
from gradcheck_freeze.rules.rule import rule
from gradcheck_freeze.rules.source import method_return
from gradcheck_freeze.trace.record import FUNCTION, GRAD, NONE, REQUIRES_GRAD

_AS_IT_IS = frozenset({"view_as", "view", "clone", "alias", "detach", "expand_as", "contiguous"})


@rule("GF224", kind="blockage", severity=Severity.ERROR)
def reversal_without_gradient(case: Case) -> Iterator[Finding]:
    """A function that only acts on the gradient is given a tensor that carries none.

    Why it matters: gradient reversal or scaling hands its input on as it is; all it does is in its backward. Behind a detach
    that backward never runs, and what it should have taught is taught nothing by this loss.

    Found:

        reversed = GradReverse.apply(features.detach(), 1.0)
        domain_loss = criterion(domain_head(reversed), domain)

    Left alone: functions that compute something in their forward, calls under no_grad, and inputs that nothing learns from.

    Instead: pass the tensor itself; the function sees to its gradient.
    """
    if case.forward_unseen:
        return
    trace = case.flow.trace
    ops, values = trace.ops, trace.values
    if FUNCTION not in ops.mode:
        return
    found: dict[Location | None, set[int]] = {}
    names: dict[Location | None, str] = {}
    for op in range(len(ops)):
        name = trace.op_names[ops.name[op]]
        made = ops.outputs[ops.first_output[op] : ops.first_output[op + 1]]
        if ops.mode[op] != GRAD or not any(case.flow.data[v] for v in made) or not _hands_on(case, op):
            continue
        read = ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]
        if any(values.flags[v] & REQUIRES_GRAD for v in (*read, *made)) or not method_return(trace, f"{name}.backward"):
            continue
        for value in read:
            source = values.op[value]
            if source != NONE and trace.op_names[ops.name[source]] in DETACHING and ops.mode[source] == GRAD:
                before = ops.inputs[ops.first_input[source]]
                learners = _behind(case, before)
                if learners:
                    cause = place(trace, ops.site[source], trace.op_names[ops.name[source]])
                    found.setdefault(cause, set()).update(learners)
                    names[cause] = name
    for cause, tensors in found.items():
        yield reversal_without_gradient.finding(
            case.flow,
            tensors,
            f"{names[cause]} only acts on the gradient, but its input was detached: through it {{where}} is taught nothing.",
            cause,
            fix=f"Pass the tensor itself to {names[cause]}.apply: its backward sees to the gradient.",
        )


def _hands_on(case: Case, op: int) -> bool:
    """Return whether a custom Function's forward gives its input back as it is."""
    ops, values = case.flow.trace.ops, case.flow.trace.values
    inner = [values.op[v] for v in ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]]
    inside = [i for i in inner if i != NONE and ops.mode[i] == FUNCTION]
    return bool(inside) and all(case.flow.trace.op_names[ops.name[i]] in _AS_IT_IS for i in inside)


def _behind(case: Case, value: int) -> set[int]:
    """Return the parameters that should learn and that a value which carries gradient was computed from."""
    trace = case.flow.trace
    ops, values = trace.ops, trace.values
    pending, seen, learners = [value], {value}, set()
    while pending:
        here = pending.pop()
        if not values.flags[here] & REQUIRES_GRAD:
            continue
        if values.tensor[here] in case.intent.learn and case.flow.tensors[values.tensor[here]].optimizers:
            learners.add(values.tensor[here])
        op = values.op[here]
        fresh = set(ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]) - seen if op != NONE else set()
        seen |= fresh
        pending.extend(fresh)
    return learners
