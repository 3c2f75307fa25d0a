"""GF111."""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck_freeze.rules.average_never_follows import followed
from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Severity
from gradcheck_freeze.rules.places import place
from gradcheck_freeze.rules.rule import rule


@rule("GF111", kind="leak", severity=Severity.ERROR)
def average_also_stepped(case: Case) -> Iterator[Finding]:
    """A copy that the program updates from a trained network, as an EMA teacher is, is moved by an optimizer as well.

    Why it matters: a teacher or target is meant to follow slowly. One that the optimizer trains too is pulled towards the
    student by the loss, and the two meet where the loss is trivial.

    Found:

        optimizer = AdamW(model.parameters())      # model holds student and teacher
        loss = distance(model.student(x), model.teacher(x))

    Left alone: a teacher that no optimizer holds, or whose gradient is None because it ran under `no_grad`.

    Instead: hand over `model.student.parameters()`, and `teacher.requires_grad_(False)`.
    """
    flow, trace = case.flow, case.flow.trace
    both = {
        tensor: op
        for tensor, (_, op) in followed(case, trained_too=True).items()
        if len(flow.tensors[tensor].changed) > 1 and len(flow.tensors[tensor].written) > 1
    }
    groups: dict[int, list[int]] = {}
    for tensor in sorted(both):
        groups.setdefault(trace.steps[flow.tensors[tensor].changed[0]].optimizer, []).append(tensor)
    for number, tensors in groups.items():
        optimizer = trace.optimizers[number]
        step = trace.steps[flow.tensors[tensors[0]].changed[0]]
        update = place(trace, trace.ops.site[both[tensors[0]]], "update")
        built, stepped = place(trace, optimizer.built, "optimizer"), place(trace, step.site, "step")
        at = f" at line {update.line}" if update else ""
        yield average_also_stepped.finding(
            flow,
            tensors,
            f"{{where}} is updated{at} from what is trained, but {optimizer.name} holds it too and moves it by gradient.",
            built or stepped,
            trail=tuple(p for p in (stepped, update, built) if p),
            fix="Give the optimizer only what the loss should train, and freeze the copy with requires_grad_(False).",
        )
