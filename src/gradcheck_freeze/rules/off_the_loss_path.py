"""GF206."""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Location, Severity
from gradcheck_freeze.rules.places import place
from gradcheck_freeze.rules.rule import rule
from gradcheck_freeze.trace.record import NONE, REQUIRES_GRAD


@rule("GF206", kind="blockage", severity=Severity.ERROR)
def off_the_loss_path(case: Case) -> Iterator[Finding]:
    """A trainable parameter is computed with, but no loss depends on the result.

    Why it matters: backward was called on something else, so this part never learns. Often a loss is computed, logged
    and then forgotten in a `return` or a sum.

    Found:

        loss = task_loss + 0.1 * aux_loss
        return task_loss                   # backward() never sees aux_loss

    Left alone: networks in no optimizer, and modules that only serve evaluation.

    Instead: add the result to the loss on which backward is called.
    """
    if case.forward_unseen:
        return
    groups: dict[Location | None, list[int]] = {}
    for tensor in sorted(case.off_path - set(case.leaving)):
        record = case.flow.trace.tensors[tensor]
        if record.alive and (case.flow.tensors[tensor].optimizers or tensor in case.intent.stated):
            groups.setdefault(_last_use(case, tensor), []).append(tensor)
    for cause, tensors in groups.items():
        yield off_the_loss_path.finding(
            case.flow,
            tensors,
            "{where} is used, but no loss that backward() was called on depends on it.",
            cause,
            fix="Add what is computed here to the loss, or call backward() on the sum.",
        )


def _last_use(case: Case, tensor: int) -> Location | None:
    """Return the line that computes the last tensor that depends on this one, in the step where it was first read."""
    trace = case.flow.trace
    ops, values = trace.ops, trace.values
    marks = {v for v in range(len(values)) if values.tensor[v] == tensor and values.flags[v] & REQUIRES_GRAD}
    last = NONE
    for op in range(len(ops)):
        if trace.op_names[ops.name[op]].endswith("_") and ops.call[op] == NONE:
            continue
        if any(v in marks for v in ops.inputs[ops.first_input[op] : ops.first_input[op + 1]]):
            made = ops.outputs[ops.first_output[op] : ops.first_output[op + 1]]
            carried = [v for v in made if values.flags[v] & REQUIRES_GRAD]
            marks.update(carried)
            if carried:
                last = op
    return place(trace, ops.site[last], "unused result") if last != NONE else None
