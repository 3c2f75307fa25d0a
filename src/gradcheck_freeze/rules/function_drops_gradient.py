"""GF218."""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Location, Severity
from gradcheck_freeze.rules.places import place
from gradcheck_freeze.rules.rule import rule
from gradcheck_freeze.rules.source import method_return
from gradcheck_freeze.trace.record import FUNCTION, GRAD, REQUIRES_GRAD


@rule("GF218", kind="blockage", severity=Severity.ERROR)
def function_drops_gradient(case: Case) -> Iterator[Finding]:
    """The backward of a custom autograd.Function gives no gradient for what should learn.

    Why it matters: the graph looks whole, but `backward` returns None for this input, and autograd takes that for "no
    gradient wanted here".

    Found:

        def backward(ctx, grad):
            return grad, None                 # the second input is a learned scale

    Left alone: None for an input that is a number, a mask or a frozen tensor.

    Instead: return the gradient of the output by this input.
    """
    if case.forward_unseen:
        return
    trace = case.flow.trace
    groups: dict[tuple[Location | None, str], list[int]] = {}
    boxes: dict[tuple[Location | None, str], list[int]] = {}
    for tensor in sorted(case.uncut):
        name, site = _function(case, tensor)
        if name in trace.boxes:
            boxes.setdefault((place(trace, site, name), name), []).append(tensor)
        elif name:
            cause = method_return(trace, f"{name}.backward") or place(trace, site, name)
            groups.setdefault((cause, name), []).append(tensor)
    for (cause, name), tensors in boxes.items():
        yield function_drops_gradient.finding(
            case.flow,
            tensors,
            f"{{where}} gets no gradient: it goes into {name}, which was watched from outside only, and is lost in there.",
            cause,
            fix="Look in there for a detach(), a no_grad block, or a branch that does not use it.",
        )
    for (cause, name), tensors in groups.items():
        given = _read(case, name, GRAD)
        around = set(tensors) & (_read(case, "", FUNCTION) - given)
        if around == set(tensors):
            why = f"it is used inside {name}, to which it is no input, so its backward can return nothing for it"
            fix = f"Pass it to {name}.apply as an input, and return a gradient for it in {name}.backward."
        else:
            what = "it" if given.issuperset(tensors) else "what is computed from it"
            why = f"the backward of {name} returns None for {what}"
            fix = f"Return a gradient for this input in {name}.backward, in the order of the inputs of its forward."
        yield function_drops_gradient.finding(case.flow, tensors, f"{{where}} gets no gradient: {why}.", cause, fix=fix)


def _read(case: Case, name: str, mode: int) -> set[int]:
    """Return the tensors that ops in this grad mode read as they are: those of this name, or all where it is empty."""
    trace = case.flow.trace
    ops, owner = trace.ops, trace.values.tensor
    calls = [op for op in range(len(ops)) if ops.mode[op] == mode and name in ("", trace.op_names[ops.name[op]])]
    return {owner[v] for op in calls for v in ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]}


def _function(case: Case, tensor: int) -> tuple[str, int]:
    """Return the custom Function on the tensor's way to a loss, or what was watched from outside, and where it was called."""
    trace = case.flow.trace
    ops, values = trace.ops, trace.values
    marks = {v for v in range(len(values)) if values.tensor[v] == tensor and values.flags[v] & REQUIRES_GRAD}
    for op in range(len(ops)):
        if ops.mode[op] not in (GRAD, FUNCTION):
            continue
        if any(v in marks for v in ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]):
            made = ops.outputs[ops.first_output[op] : ops.first_output[op + 1]]
            if ops.mode[op] == FUNCTION:  # its forward takes the tensor from around it, not as an input
                marks.update(made)
                continue
            name = trace.op_names[ops.name[op]]
            if name in trace.boxes or method_return(trace, f"{name}.backward"):
                return name, ops.site[op]
            marks.update(v for v in made if values.flags[v] & REQUIRES_GRAD and case.flow.data[v])
    return "", -1
