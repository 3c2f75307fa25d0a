"""GF208."""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck_freeze.rules.case import Case
from gradcheck_freeze.rules.finding import Finding, Severity
from gradcheck_freeze.rules.places import place
from gradcheck_freeze.rules.rule import rule


@rule("GF208", kind="blockage", severity=Severity.WARNING)
def stale_optimizer_entry(case: Case) -> Iterator[Finding]:
    """An optimizer holds a tensor that the model no longer has.

    Why it matters: the optimizer steps what nobody computes with, and what replaced it is not stepped. It happens after
    `model.fc = ...`, `load_state_dict(assign=True)`, or a second model under the same name.

    Found:

        optimizer = SGD(model.parameters(), lr=0.1)
        model = Net()                                # the optimizer keeps the first one's

    Left alone: tensors that are still read, whoever holds them.

    Instead: build the optimizer after the model is final.
    """
    trace = case.flow.trace
    if any(
        seen.received and not seen.optimizers and t in case.intent.learn for t, seen in enumerate(case.flow.tensors)
    ):
        return  # what took its place is found by missing-from-optimizer: one fault, one finding
    stepping = {step.optimizer for step in trace.steps}
    for number, optimizer in enumerate(trace.optimizers):
        if number not in stepping:
            continue  # built and given up: another took its place
        held = [t for group in optimizer.groups for t in group.tensors]
        stale = [
            t
            for t in held
            if not trace.tensors[t].names[0].startswith(f"{optimizer.name}.param_groups")
            and not trace.tensors[t].alive
            and not case.flow.tensors[t].received
            and not case.flow.tensors[t].data
        ]
        if stale and len(stale) < len(held):
            yield stale_optimizer_entry.finding(
                case.flow,
                stale,
                f"{optimizer.name} holds {{where}}, which the model no longer has.",
                place(trace, optimizer.built, "optimizer"),
                fix="Build the optimizer after the model has got its final parameters.",
            )
