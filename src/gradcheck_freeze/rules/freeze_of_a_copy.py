"""GF113."""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Location, Severity
from gradcheck_freeze.rules.places import place
from gradcheck_freeze.rules.rule import rule
from gradcheck_freeze.trace.record import NONE

_COPYING = ("__deepcopy__", "nn.Parameter", "clone", "data", "detach")


@rule("GF113", kind="leak", severity=Severity.ERROR)
def freeze_of_a_copy(case: Case) -> Iterator[Finding]:
    """A copy is frozen and thrown away; the network that it was made of is trained.

    Why it matters: `copy.deepcopy` gives other parameters. Freezing them says nothing to the originals.

    Found:

        def freeze(module):
            module = copy.deepcopy(module)
            return module.requires_grad_(False)

        freeze(model.backbone)                   # the result is dropped

    Left alone: a frozen copy that is used or kept (a teacher, a reference, a snapshot).

    Instead: freeze the module itself, or put the copy in its place: `model.backbone = freeze(model.backbone)`.
    """
    trace = case.flow.trace
    values, ops = trace.values, trace.ops
    begun = trace.steps[0].after if trace.steps else 0
    dropped = {
        t
        for d in trace.declarations
        if d.kind == "requires_grad" and not d.value and d.after <= begun
        for t in d.tensors
        if not trace.tensors[t].names[0]
    }
    dropped -= {values.tensor[v] for v in ops.inputs}  # what is computed with is held by somebody
    groups: dict[Location | None, set[int]] = {}
    for value, tensor in enumerate(values.tensor):
        if tensor in dropped and values.op[value] != NONE:
            original = _copied_from(case, value)
            if original != NONE and original in case.intent.learn and case.flow.tensors[original].changed:
                groups.setdefault(place(trace, ops.site[values.op[value]], "deepcopy"), set()).add(original)
    for cause, tensors in groups.items():
        step = trace.steps[case.flow.tensors[min(tensors)].changed[0]]
        yield freeze_of_a_copy.finding(
            case.flow,
            tensors,
            "Only a copy of {where} was frozen, and nobody keeps the copy: "
            f"{trace.optimizers[step.optimizer].name}.step() moves the original.",
            cause,
            trail=tuple(p for p in (place(trace, step.site, "step"), cause) if p),
            fix="Freeze the module itself, or put the frozen copy in its place.",
        )


def _copied_from(case: Case, value: int) -> int:
    """Return the tensor that a value is a plain copy of, NONE if it is none."""
    trace = case.flow.trace
    values, ops = trace.values, trace.ops
    tensor = values.tensor[value]
    while (op := values.op[value]) != NONE and trace.op_names[ops.name[op]] in _COPYING:
        value = ops.inputs[ops.first_input[op]]
        if values.tensor[value] not in (NONE, tensor):
            return values.tensor[value]
    return NONE
